// @ts-check
// Keys, wherever the focus is: in the page or in a frame of the book.

/** @typedef {'left' | 'right' | 'next' | 'prev' | 'first' | 'last' | 'contents' | 'search' | 'settings' | 'theme' | 'larger' | 'smaller' | 'bars' | 'back' | 'fullscreen'} Action */

/** @type {Record<string, Action>} */
const KEYS = {
    ArrowLeft: 'left', ArrowRight: 'right', h: 'left', l: 'right',
    ArrowDown: 'next', PageDown: 'next', j: 'next', ' ': 'next', ArrowUp: 'prev', PageUp: 'prev', k: 'prev',
    Home: 'first', End: 'last', t: 'contents', '/': 'search', s: 'settings', d: 'theme', '+': 'larger', '=': 'larger', '-': 'smaller',
    m: 'bars', Backspace: 'back', b: 'back', f: 'fullscreen',
}
/** In scrolled text these are the browser's own. */
const SCROLLING = new Set(['ArrowDown', 'ArrowUp'])

/**
 * @param {EventTarget} target
 * @param {(action: Action) => void} act
 * @param {() => boolean} scrolled
 */
export const listenToKeys = (target, act, scrolled) => target.addEventListener('keydown', event => {
    const { key, ctrlKey, metaKey, altKey, shiftKey, target: from, defaultPrevented } = /** @type {KeyboardEvent} */ (event)
    if (ctrlKey || metaKey || altKey || defaultPrevented) return
    const element = /** @type {Element | null} */ (from)
    // a field, an open sheet and a focused button keep their own keys
    if (element?.closest?.('input, select, textarea, dialog[open], [contenteditable]')) return
    if (key === ' ' && element?.closest?.('button, a, summary')) return
    if (scrolled() && SCROLLING.has(key)) return
    const action = key === ' ' && shiftKey ? 'prev' : KEYS[key.length === 1 ? key.toLowerCase() : key]
    if (!action) return
    event.preventDefault()
    act(action)
})
