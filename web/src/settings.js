// @ts-check
// How a person likes to read: kept in this browser, and turned into what foliate and the book's own documents understand.
import { remember } from './api.js'

const KEY = 'tomed.reading'

/** @type {Record<string, string>} */
export const FONTS = {
    book: '',
    serif: '"Iowan Old Style", "Palatino Linotype", Palatino, "Source Serif 4", Georgia, "Noto Serif", serif',
    sans: 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif',
    easy: '"Atkinson Hyperlegible Next", "Atkinson Hyperlegible", OpenDyslexic, Verdana, sans-serif',
}

/** Paper, ink, and the colour of a link. @type {Record<string, { paper: string, ink: string, link: string, dark: boolean }>} */
export const THEMES = {
    light: { paper: '#fffdf9', ink: '#1c1a17', link: '#1d4f91', dark: false },
    sepia: { paper: '#f3e9d6', ink: '#3b3025', link: '#7a3e12', dark: false },
    dark: { paper: '#161513', ink: '#cdc8bf', link: '#8db4e2', dark: true },
}

export const DEFAULTS = {
    theme: 'system', font: 'book', size: 100, lineHeight: 0, margin: 6, flow: 'paginated', spread: 'auto', fit: 'page', justify: 'book',
}
/** @typedef {typeof DEFAULTS} Settings */

/** @type {{ [K in keyof Settings]: (value: unknown) => boolean }} */
const VALID = {
    theme: value => ['system', 'light', 'sepia', 'dark'].includes(String(value)),
    font: value => Object.hasOwn(FONTS, String(value)),
    size: value => between(value, 60, 250),
    lineHeight: value => value === 0 || between(value, 1, 2.4),
    margin: value => between(value, 0, 20),
    flow: value => ['paginated', 'scrolled'].includes(String(value)),
    spread: value => ['auto', 'none'].includes(String(value)),
    fit: value => ['page', 'width'].includes(String(value)),
    justify: value => ['book', 'left', 'justify'].includes(String(value)),
}

/** @param {unknown} value @param {number} least @param {number} most */
const between = (value, least, most) => typeof value === 'number' && value >= least && value <= most

/** @returns {Settings} what is kept, each value that makes no sense replaced by the default */
export const loadSettings = () => {
    /** @type {Record<string, unknown>} */
    let kept = {}
    try {
        kept = JSON.parse(remember(KEY) ?? '{}') ?? {}
    } catch { /* then the defaults */ }
    const good = Object.entries(DEFAULTS).map(([name, value]) =>
        [name, VALID[/** @type {keyof Settings} */ (name)](kept[name]) ? kept[name] : value])
    return Object.fromEntries(good)
}

/** @param {Settings} settings */
export const saveSettings = settings => remember(KEY, JSON.stringify(settings))

/** @param {Settings} settings @returns {{ paper: string, ink: string, link: string, dark: boolean, name: string }} */
export const themeOf = settings => {
    const name = settings.theme !== 'system' ? settings.theme : matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light'
    return { name, .../** @type {typeof THEMES.light & {}} */ (THEMES[name] ?? THEMES.light) }
}

/**
 * Styles for the book's own documents: ours before (what a book may change) and after (what a person has chosen).
 *
 * @param {Settings} settings
 * @returns {[string, string]}
 */
export const bookStyles = settings => {
    const { paper, ink, link, dark, name } = themeOf(settings)
    const family = FONTS[settings.font]
    const before = `html { font-family: ${FONTS.serif}; line-height: 1.5; hanging-punctuation: allow-end last; widows: 2; orphans: 2; text-wrap: pretty; }
        p { hyphens: auto; } a:any-link { color: ${link}; }
        @media (update: slow) { * { animation: none !important; transition: none !important; } }`
    const after = [
        `html { --theme-bg-color: ${paper}; color-scheme: ${dark ? 'dark' : 'light'}; font-size: ${settings.size}% !important; }`,
        'pre { white-space: pre-wrap !important; } img, svg { break-inside: avoid; } aside[epub|type~="footnote"], aside[role="doc-footnote"] { display: none; }',
    ]
    // one paper for the whole page: a book's own would be a box in the middle of it
    after.push('html, body { background: none !important; }')
    if (name !== 'light') after.push(
        `html, body { color: ${ink} !important; }
        body *:not(img, svg, svg *, a, a *, mark) { color: inherit !important; background-color: transparent !important; border-color: currentColor !important; }
        a:any-link, a:any-link * { color: ${link} !important; }`)
    else after.push(`html { color: ${ink}; }`)
    if (dark) after.push('img, svg, video { filter: brightness(.9); }')
    if (family) after.push(`html, body, body *:not(code, pre, kbd, samp, code *, pre *, svg *, math *) { font-family: ${family} !important; }`)
    if (settings.lineHeight) after.push(`p, li, blockquote, dd, dt, body > div { line-height: ${settings.lineHeight} !important; }`)
    if (settings.justify !== 'book') after.push(`p, li, blockquote, dd { text-align: ${settings.justify === 'left' ? 'start' : 'justify'} !important; }`)
    return [before, `@namespace epub "http://www.idpf.org/2007/ops";\n${after.join('\n')}`]
}
