// @ts-check
// Pure: one sitting with a book, counted like on an e-reader. Time passes only while the page is seen, and a pause counts no longer
// than the idle cap. Times are ms since the epoch, told by the caller.

/** A pause longer than this ends the sitting; the next page begins another. */
const PAUSE_MS = 30 * 60_000

/** @typedef {import('./types').Place} Place */
/**
 * @typedef {object} SittingRecord
 * @property {string} id
 * @property {number} started_at
 * @property {number} ended_at
 * @property {number} active_ms
 * @property {number} pages_turned
 * @property {number} start_fraction
 * @property {Place} place where it stands now
 * @property {number} placed_at when that was reached: the last page turn
 */

export class Sitting {
    /** @type {SittingRecord} */
    #record
    #idleCapMs
    /** @type {number | null} since when time has not been counted; null while hidden */
    #since

    /** @param {string} id @param {number} at @param {Place} place where the book was opened @param {number} idleCapMs */
    constructor(id, at, place, idleCapMs) {
        this.#idleCapMs = idleCapMs
        this.#since = at
        this.#record = { id, started_at: at, ended_at: at, active_ms: 0, pages_turned: 0, start_fraction: place.end, place, placed_at: at }
    }

    /** A page was turned. @param {number} at @param {Place} place @returns {number} ms that the page before had */
    turn(at, place) {
        const spent = this.#count(at)
        this.#since = at
        this.#record.pages_turned++
        this.#record.place = place
        this.#record.placed_at = at
        return spent
    }

    /** The page is out of sight. @param {number} at */
    hide(at) {
        this.#count(at)
        this.#since = null
    }

    /** And back. @param {number} at */
    show(at) {
        this.#since ??= at
    }

    /** Has it been left for so long that what comes is another sitting? @param {number} at */
    isOver(at) {
        return at - this.#record.ended_at > Math.max(PAUSE_MS, this.#idleCapMs)
    }

    /** As it stands, counted up to `at`; null while nothing was read. @param {number} at @returns {SittingRecord | null} */
    record(at) {
        const record = { ...this.#record }
        const open = this.#open(at)
        record.active_ms += open
        if (this.#since !== null) record.ended_at = Math.max(record.ended_at, this.#since + open)
        return record.pages_turned ? record : null
    }

    /** What has passed since the last count, at most the idle cap. @param {number} at */
    #open(at) {
        return this.#since === null ? 0 : Math.max(0, Math.min(at - this.#since, this.#idleCapMs))
    }

    /** @param {number} at */
    #count(at) {
        if (this.#since === null) return 0
        const spent = this.#open(at)
        this.#record.active_ms += spent
        this.#record.ended_at = Math.max(this.#record.ended_at, this.#since + spent)
        return spent
    }
}

/**
 * The event of POST /sync that tells of it.
 *
 * @param {SittingRecord} record
 * @param {string} book
 */
export const sessionEvent = (record, book) => ({
    id: record.id,
    type: 'session',
    // the place is as old as the last page turn, not as the closing of the page: another device may have read on since
    at: new Date(record.placed_at).toISOString(),
    book: { book_uuid: book },
    started_at: new Date(record.started_at).toISOString(),
    ended_at: new Date(record.ended_at).toISOString(),
    active_s: Math.round(record.active_ms / 1000),
    pages_turned: record.pages_turned,
    start_fraction: record.start_fraction,
    end_fraction: record.place.end,
    ...(record.place.locator && record.place.shared ? { locator: record.place.locator } : {}),
    ...(record.place.text ? { text: record.place.text } : {}),
})
