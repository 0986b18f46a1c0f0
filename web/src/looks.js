// @ts-check
// The look that a person chose: the sheet that asks for it, and how it reaches the page, the renderer and the book's documents.
import { byId } from './dom.js'
import { bookStyles, loadSettings, saveSettings, themeOf } from './settings.js'
import { strings } from './strings.js'

export const settings = loadSettings()
/** @type {import('./types').FoliateView | null} */
let view = null

/** From now on changes reach this view. @param {import('./types').FoliateView} opened */
export const dress = opened => {
    view = opened
    document.body.classList.toggle('fixed', view.isFixedLayout)
    applySettings()
}

/** Text that is scrolled, not paged. */
export const isScrolled = () => !view?.isFixedLayout && settings.flow === 'scrolled'

export const applyTheme = () => {
    const { name, paper } = themeOf(settings)
    document.documentElement.dataset.theme = name
    document.querySelector('meta[name=theme-color]')?.setAttribute('content', paper)
}

const calm = matchMedia('(prefers-reduced-motion: reduce), (update: slow)')
const touching = matchMedia('(pointer: coarse)')

const applySettings = () => {
    if (!view) return
    const { renderer } = view
    /** @type {Record<string, string | null>} */
    const attributes = view.isFixedLayout ? { spread: settings.spread, fit: settings.fit } : {
        flow: settings.flow,
        gap: `${Math.max(2, settings.margin)}%`,
        margin: `${8 + settings.margin * 3}px`,
        'max-inline-size': `${Math.round(560 + 1.6 * settings.size)}px`,
        'max-column-count': settings.spread === 'auto' ? '2' : '1',
        // a swipe that follows the finger should end smoothly; a key or a click should be done at once
        animated: touching.matches && !calm.matches ? '' : null,
    }
    for (const [name, value] of Object.entries(attributes)) {
        if (value === null) renderer.removeAttribute(name)
        else if (renderer.getAttribute(name) !== value) renderer.setAttribute(name, value)
    }
    renderer.setStyles?.(bookStyles(settings))
}

/** @param {Partial<import('./settings.js').Settings>} wish */
export const change = wish => {
    Object.assign(settings, wish)
    saveSettings(settings)
    fillSettings()
    applyTheme()
    applySettings()
}

const settingsForm = /** @type {HTMLFormElement} */ (byId('settings-form'))

const fillSettings = () => {
    for (const [name, value] of Object.entries(settings)) {
        const field = settingsForm.elements.namedItem(name)
        if (field instanceof RadioNodeList || field instanceof HTMLInputElement || field instanceof HTMLSelectElement) field.value = String(value)
    }
    byId('size-value').textContent = strings.percent(settings.size)
}

export const wireSettings = () => {
    fillSettings()
    settingsForm.addEventListener('submit', event => event.preventDefault())
    settingsForm.addEventListener('input', () => {
        const values = Object.fromEntries(new FormData(settingsForm))
        const numbers = Object.fromEntries(['size', 'lineHeight', 'margin'].map(name => [name, Number(values[name])]))
        change(/** @type {any} */ ({ ...values, ...numbers }))
    })
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => change({}))
}
