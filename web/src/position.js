// @ts-check
// Pure: which moves are worth saving, and from which place a book opens. No clock, no network, no page.

/** @typedef {import('./types').Place} Place @typedef {import('./types').SavedPlace} SavedPlace */

/** @param {unknown} x @returns {x is number} */
export const isFraction = x => typeof x === 'number' && Number.isFinite(x) && x >= 0 && x <= 1

/** Decides when a move is saved: after the book has been opened at its place, and only when a person made it. */
export class Keeper {
    #armed = false
    /** @type {Place | null} */
    #last = null

    /** From now on moves count; `here` is where the book was opened. @param {Place | null} here */
    arm(here) {
        this.#armed = true
        this.#last = here
    }

    /**
     * @param {Place} place
     * @param {string | null | undefined} reason as foliate tells it; `anchor` is the layout settling, never a person
     * @param {boolean} byPerson a key, a tap, a wheel or a button caused it
     * @returns {Place | null} what to save, if anything
     */
    noticed(place, reason, byPerson) {
        if (!this.#armed || !byPerson || reason === 'anchor') return null
        if (!isFraction(place.end) || !isFraction(place.start)) return null
        const same = this.#last && this.#last.end === place.end && this.#last.locator?.value === place.locator?.value
        if (same) return null
        this.#last = place
        return place
    }
}

/**
 * Pages that are counted: a comic, a PDF, a fixed-layout book. The last page shown ends at exactly 1 when it is the last one.
 *
 * @param {number} index of the first page shown, from 0
 * @param {number} last of the last page shown
 * @param {number} pages
 * @returns {{ start: number, end: number }}
 */
export const pageFractions = (index, last, pages) => ({ start: index / pages, end: Math.min(1, (last + 1) / pages) })

/**
 * Share of the whole book, from a share of a section.
 *
 * @param {number[]} starts where each section begins, and 1 at the end; as many as sections plus one
 * @param {number} index
 * @param {number} local 0..1
 */
export const wholeFraction = (starts, index, local) => {
    const from = starts[index] ?? 0
    const to = starts[index + 1] ?? 1
    return Math.min(1, Math.max(0, from + (to - from) * local))
}

/**
 * The section and the share of it that a fraction means. What is saved is the end of a page: a fraction at the very border of two
 * sections therefore belongs to the one before it.
 *
 * @param {number[]} starts
 * @param {number} fraction
 * @returns {{ index: number, local: number }}
 */
export const locateFraction = (starts, fraction) => {
    const count = starts.length - 1
    for (let index = 0; index < count; index++) {
        const from = starts[index] ?? 0
        const to = starts[index + 1] ?? 1
        if (to > from && fraction <= to + 1e-9) return { index, local: Math.min(1, Math.max(0, (fraction - from) / (to - from))) }
    }
    return { index: Math.max(0, count - 1), local: 1 }
}

/** The page of a section whose end, or inside, is at `local`. @param {number} local @param {number} pages @returns {number} from 0 */
export const pageAt = (local, pages) => Math.max(0, Math.min(pages - 1, Math.ceil(local * pages - 1e-6) - 1))

/**
 * Where to open. What this browser has not sent yet counts like anything else: the newest place wins. What it has sent is only a
 * memory: it helps when the server is silent, and it knows a finer place than the server where the two mean the same moment.
 *
 * @param {SavedPlace | null} mine
 * @param {import('./types').ServerPosition | null | undefined} server undefined: it could not be asked
 * @returns {import('./types').Target}
 */
export const chooseTarget = (mine, server) => {
    const serverAt = server ? Date.parse(server.at) : NaN
    if (mine && (server === undefined || (!mine.sent && !(serverAt > mine.at)) || serverAt === mine.at)) return fromPlace(mine)
    if (!server) return {}
    const { locator, fraction, text, device } = server
    return {
        ...(locator?.kind === 'cfi' ? { cfi: locator.value } : {}),
        ...(locator?.kind === 'page' && /^\d+$/.test(locator.value) ? { page: Number(locator.value) } : {}),
        ...(isFraction(fraction) ? { fraction } : {}),
        ...(typeof text === 'string' && text ? { text } : {}),
        ...(device ? { device } : {}),
    }
}

/** @param {SavedPlace} place @returns {import('./types').Target} */
const fromPlace = ({ locator, end, text }) => ({
    ...(locator?.kind === 'cfi' ? { cfi: locator.value } : {}),
    ...(locator?.kind === 'page' ? { page: Number(locator.value) } : {}),
    ...(isFraction(end) ? { fraction: end } : {}),
    ...(text ? { text } : {}),
})
