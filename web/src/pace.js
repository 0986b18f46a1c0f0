// @ts-check
// Pure: how fast this reader goes through this book, and how long the rest takes. Learned from the sittings that the server knows
// and from the pages turned now.

/** Shorter is leafing, longer is a pause; neither says how fast somebody reads. */
const PAGE_MS = { least: 2_000, most: 240_000 }
/** Before so much is known, no time is told. */
const ENOUGH_MS = 60_000
/** What the sittings of the past may weigh at most, so that today counts. */
const PAST_MS = 3_600_000

export class Pace {
    #ms = 0
    #fraction = 0

    /** @param {{ active_s: number, start_fraction?: number, end_fraction?: number }[]} sessions of this book, newest first */
    learn(sessions) {
        for (const { active_s, start_fraction = NaN, end_fraction = NaN } of sessions) {
            const read = end_fraction - start_fraction
            if (!(read > 0) || !(active_s > 0) || this.#ms > PAST_MS) continue
            this.#ms += active_s * 1000
            this.#fraction += read
        }
    }

    /** @param {number} ms that a page had @param {number} fraction of the book that it was */
    turned(ms, fraction) {
        if (!(fraction > 0) || fraction > .2 || ms < PAGE_MS.least || ms > PAGE_MS.most) return
        this.#ms += ms
        this.#fraction += fraction
    }

    /** @param {number} fraction of the book @returns {number | null} ms; null while too little is known */
    timeFor(fraction) {
        if (this.#ms < ENOUGH_MS || !this.#fraction) return null
        return Math.max(0, fraction) * this.#ms / this.#fraction
    }
}
