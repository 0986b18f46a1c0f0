// @ts-check
// Opens the book where its reader was. A promise kept by foliate means nothing: what counts is that the page really moved, and
// that the text there is the one that was read. Whatever the place looks like, some page of the book is shown in the end.
import { isFraction, locateFraction, pageAt } from './position.js'
import { normalise, TextIndex } from './text.js'

/** @typedef {import('./types').FoliateView} View @typedef {import('./types').Target} Target @typedef {import('./types').Navigation} Navigation */
/** @typedef {'cfi' | 'text' | 'page' | 'fraction' | 'start'} How */

/** Less text than this says nothing about a place. */
const TELLING = 12

/**
 * @param {View} view with its book open and nothing shown yet
 * @param {Target} target
 * @returns {Promise<How>} what led there
 */
export const restore = async (view, target) => view.isFixedLayout ? restorePage(view, target) : restoreText(view, target)

/** @param {View} view @param {Target} target @returns {Promise<How>} */
const restorePage = async (view, { cfi, page, fraction }) => {
    const pages = view.book.sections.length
    if (page && page >= 1 && page <= pages && await moves(view, { index: page - 1 })) return 'page'
    const byCfi = await resolveCfi(view, cfi)
    if (byCfi && await moves(view, { index: byCfi.index })) return 'cfi'
    if (isFraction(fraction) && fraction > 0 && await moves(view, { index: pageAt(fraction, pages) })) return 'fraction'
    return toStart(view)
}

/** @param {View} view @param {Target} target @returns {Promise<How>} */
const restoreText = async (view, { cfi, fraction, text }) => {
    const wanted = normalise(text ?? '').trim()
    const byCfi = await resolveCfi(view, cfi)
    if (byCfi && await moves(view, byCfi)) {
        if (wanted.length < TELLING || shows(view, wanted)) return 'cfi'
        // the text is not here: another edition of the file, or a place that was only nearly right
        if (await toText(view, wanted)) return 'text'
        if (!isFraction(fraction) || near(view, byCfi.index, fraction)) return 'cfi'
    }
    if (isFraction(fraction) && fraction > 0 && await moves(view, atFraction(view, fraction))) {
        // pages were counted in the first layout; once its fonts are there they may be others
        await view.renderer.getContents()[0]?.doc?.fonts?.ready
        await moves(view, atFraction(view, fraction))
        if (wanted.length < TELLING || shows(view, wanted)) return 'fraction'
        return await toText(view, wanted) ? 'text' : 'fraction'
    }
    return toStart(view)
}

/** Does the renderer really go there? @param {View} view @param {Navigation} target */
const moves = async (view, target) => {
    let moved = false
    /** @param {Event} event */
    const seen = event => {
        const { reason, fraction } = /** @type {CustomEvent<import('./types').Relocation>} */ (event).detail
        if (reason !== 'anchor' && Number.isFinite(fraction)) moved = true
    }
    view.renderer.addEventListener('relocate', seen)
    try {
        await view.renderer.goTo(target)
    } catch (error) {
        console.warn(error)
        return false
    } finally {
        view.renderer.removeEventListener('relocate', seen)
    }
    return moved
}

/** @param {View} view @param {string | undefined} cfi */
const resolveCfi = async (view, cfi) => {
    if (!cfi || !/^epubcfi\(\/\d.*\)$/s.test(cfi) || cfi.length > 4096) return null
    try {
        const found = await view.resolveNavigation(cfi)
        return found && view.book.sections[found.index] ? found : null
    } catch {
        return null
    }
}

/**
 * A fraction is the end of what was read: the page that holds it, in whatever number of pages the section has here.
 *
 * @param {View} view
 * @param {number} fraction
 * @returns {Navigation}
 */
export const atFraction = (view, fraction) => {
    if (view.isFixedLayout) return { index: pageAt(fraction, view.book.sections.length) }
    const { index, local } = locateFraction(view.getSectionFractions(), fraction)
    const { renderer } = view
    return {
        index,
        // asked only once the section is laid out, so the number of pages is known
        anchor: () => {
            if (renderer.scrolled) return Math.max(0, local - renderer.size / renderer.viewSize)
            const pages = renderer.pages - 2
            return pages > 1 ? pageAt(local, pages) / (pages - 1) : 0
        },
    }
}

/** Is this text on the page that is shown? @param {View} view @param {string} wanted normalised */
const shows = (view, wanted) => {
    const range = view.lastLocation?.range
    if (!range) return false
    // a page may begin or end within the text that is looked for
    const page = normalise(range.toString())
    const part = wanted.slice(0, Math.max(TELLING, wanted.length >> 1))
    return page.includes(part) || page.trimEnd().endsWith(wanted.slice(0, TELLING))
}

/** Look for the text in the section that is shown. @param {View} view @param {string} wanted */
const toText = async (view, wanted) => {
    const contents = view.renderer.getContents()[0]
    if (!contents?.doc || contents.index === undefined) return false
    const index = new TextIndex(contents.doc)
    const at = index.text.indexOf(wanted)
    // twice the same text proves nothing
    if (at < 0 || index.text.indexOf(wanted, at + 1) >= 0) return false
    return moves(view, { index: contents.index, anchor: () => index.range(at, at + wanted.length) })
}

/** @param {View} view @param {number} index @param {number} fraction */
const near = (view, index, fraction) => {
    const starts = view.getSectionFractions()
    return fraction >= (starts[index] ?? 0) - .05 && fraction <= (starts[index + 1] ?? 1) + .05
}

/** @param {View} view @returns {Promise<How>} */
const toStart = async view => {
    const first = Math.max(0, view.book.sections.findIndex(section => section.linear !== 'no'))
    if (!await moves(view, { index: first })) await view.next()
    return 'start'
}
