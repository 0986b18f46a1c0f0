// @ts-check
// The table of contents as nested lists, the chapter that is being read marked.
import { make } from './dom.js'
import { strings } from './strings.js'

/** @typedef {import('./types').TocItem} TocItem */

/**
 * @param {HTMLElement} place
 * @param {TocItem[]} items
 * @param {(href: string) => void} go
 * @returns {(current: TocItem | null | undefined) => void} marks an item
 */
export const showToc = (place, items, go) => {
    /** @type {Map<TocItem, HTMLElement>} */
    const buttons = new Map()
    /** @param {TocItem[]} list @param {number} depth @returns {HTMLElement} */
    const build = (list, depth) => make('ol', {}, ...list.map(item => {
        const button = make('button', { type: 'button', click: () => item.href && go(item.href) }, item.label?.trim() || '—')
        if (!item.href) button.disabled = true
        buttons.set(item, button)
        // nobody nests deeper than this with good intent
        return make('li', {}, button, ...item.subitems?.length && depth < 12 ? [build(item.subitems, depth + 1)] : [])
    }))
    place.replaceChildren(items.length ? build(items, 0) : make('p', { class: 'quiet' }, strings.noContents))
    return current => {
        for (const button of place.querySelectorAll('[aria-current]')) button.removeAttribute('aria-current')
        const button = current && buttons.get(current)
        button?.setAttribute('aria-current', 'true')
        button?.scrollIntoView({ block: 'center' })
    }
}
