// @ts-check
// What was read, kept in IndexedDB before anything is sent, and sent when the network allows: one flush at a time, the same event
// id until it is acknowledged. Nothing here needs a secure context, so it works on plain http in a home network.
//
// Stores: `places` (the last place per person, book and format; `sent` once the server has it), `sittings` (one that is open, and
// those still to be sent). Keys begin with the person, so two people who share a browser never send each other's reading.
import { now, putPosition, sync, Trouble, remember } from './api.js'
import { forget, leave, left, noteWaiting } from './parting.js'
import { sessionEvent } from './sitting.js'

/** @typedef {import('./types').SavedPlace} SavedPlace @typedef {import('./types').Place} Place @typedef {import('./sitting.js').SittingRecord} SittingRecord */
/** @typedef {SavedPlace & { key: string, person: string, book: string, format: string }} PlaceRow */
/** @typedef {SittingRecord & { key: string, person: string, book: string, seen_at: number, closed: boolean }} SittingRow */

/** An open sitting that nobody has touched for so long was left behind by a tab that is gone. */
const LEFT_BEHIND_MS = 31 * 60_000
const RETRY_MS = 20_000

/** Random, and unique enough where crypto.randomUUID is missing (plain http). @returns {string} */
export const newId = () => {
    const bytes = crypto.getRandomValues(new Uint8Array(16))
    bytes[6] = (bytes[6] ?? 0) & 0x0f | 0x40
    bytes[8] = (bytes[8] ?? 0) & 0x3f | 0x80
    return [...bytes].map((b, i) => (i === 4 || i === 6 || i === 8 || i === 10 ? '-' : '') + b.toString(16).padStart(2, '0')).join('')
}

/** @returns {Promise<IDBDatabase>} */
const openDatabase = () => new Promise((resolve, reject) => {
    const request = indexedDB.open('tomed', 1)
    request.onupgradeneeded = () => {
        request.result.createObjectStore('places', { keyPath: 'key' })
        request.result.createObjectStore('sittings', { keyPath: 'key' })
    }
    request.onsuccess = () => {
        request.result.onversionchange = () => request.result.close()
        resolve(request.result)
    }
    request.onerror = () => reject(request.error)
    request.onblocked = () => reject(new Error('blocked'))
})

export class Outbox {
    /** @type {Promise<IDBDatabase | null>} */
    #database
    /** Without IndexedDB: rows live as long as the page. @type {Record<string, Map<string, any>>} */
    #memory = { places: new Map(), sittings: new Map() }
    /** @type {Promise<void> | null} */
    #flushing = null
    #again = false
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    #retry
    #lastAt = 0
    /** Event id of the last place that the server has. */
    #acknowledged = ''
    /** Notes of pages before that no database has taken. @type {Set<string>} */
    #leftNames = new Set()

    /** @param {string} person who is signed in @param {(state: 'sent' | 'waiting' | 'unauthorized') => void} [onState] */
    constructor(person, onState = () => {}) {
        this.person = person
        this.onState = onState
        this.#database = openDatabase().catch(error => {
            console.warn(error)
            return null
        })
        addEventListener('online', () => void this.flush())
    }

    /** False where the browser keeps nothing (some private windows). */
    async keeps() {
        return await this.#database !== null
    }

    /** @param {string} book @param {string} format @returns {Promise<SavedPlace | null>} */
    async place(book, format) {
        await this.#takeIn()
        return await this.#get('places', this.#key(book, format)) ?? null
    }

    /** A place with its time and its id. Sent or kept, it stays this event. @param {string} book @param {string} format @param {Place} place @returns {PlaceRow} */
    row(book, format, place) {
        // two turns within a millisecond, or a clock that is set back: later is later all the same
        this.#lastAt = Math.max(Math.round(now()), this.#lastAt + 1)
        return { ...place, key: this.#key(book, format), person: this.person, book, format, event_id: newId(), at: this.#lastAt, sent: false }
    }

    /** Durable when the promise is kept; sending is another step. @param {PlaceRow} row */
    async keep(row) {
        noteWaiting(true)
        await this.#put('places', row)
    }

    /** @param {SittingRecord} record @param {string} book @param {boolean} closed */
    async keepSitting(record, book, closed) {
        noteWaiting(true)
        await this.#put('sittings', this.#sittingRow(record, book, closed))
    }

    /** @param {SittingRecord} record @param {string} book @param {boolean} closed @returns {SittingRow} */
    #sittingRow(record, book, closed) {
        return { ...record, key: `${this.person}/${record.id}`, person: this.person, book, seen_at: Date.now(), closed }
    }

    /** Send all that waits. Calls while one is under way ask for one more round, never for two at once. */
    flush() {
        if (this.#flushing) {
            this.#again = true
            return this.#flushing
        }
        this.#flushing = this.#flush().finally(() => {
            this.#flushing = null
            if (this.#again) {
                this.#again = false
                void this.flush()
            }
        })
        return this.#flushing
    }

    /**
     * The page is going away: leave what is in hand to the next page, and try to send it now, outlasting this one. Nothing depends
     * on that request; when it arrives all the same, the same ids make the second arrival harmless.
     *
     * @param {PlaceRow | null} row
     * @param {{ record: SittingRecord, book: string } | null} sitting that is over for good
     */
    farewell(row, sitting) {
        if (row && row.event_id !== this.#acknowledged) {
            const note = leave({ store: 'places', row })
            void putPosition(row.book, positionBody(row), { keepalive: true }).then(() => forget(note)).catch(() => {})
        }
        if (sitting) {
            const { record, book } = sitting
            leave({ store: 'sittings', row: this.#sittingRow(record, book, true) })
            void sync(syncBody([sessionEvent(record, book)]), { keepalive: true }).catch(() => {})
        }
    }

    /** What pages that are gone have left becomes rows like any other. */
    async #takeIn() {
        for (const { store, row, name } of left()) {
            try {
                if (await this.#database) {
                    await this.#change(store, row.key, kept => store === 'places' && kept?.at >= row.at ? kept : row)
                    noteWaiting(true)
                    forget(name)
                    continue
                }
            } catch (error) {
                console.warn(error)
            }
            // nothing else keeps it: the note stays until the server has it
            this.#memory[store]?.set(row.key, row)
            this.#leftNames.add(name)
        }
    }

    async #flush() {
        clearTimeout(this.#retry)
        try {
            await this.#takeIn()
            for (const row of await this.#mine('places')) if (!row.sent) await this.#sendPlace(row)
            await this.#sendSittings()
            for (const name of this.#leftNames) forget(name)
            this.#leftNames.clear()
            await this.#noteRest()
            this.onState('sent')
        } catch (error) {
            const code = error instanceof Trouble ? error.code : 'internal'
            this.onState(code === 'unauthorized' ? 'unauthorized' : 'waiting')
            if (code !== 'unauthorized') this.#retry = setTimeout(() => void this.flush(), RETRY_MS)
        }
    }

    /** Whether anything still waits, of whoever shares this browser. */
    async #noteRest() {
        const places = await this.#run('places', 'readonly', s => s.getAll()) ?? []
        const sittings = await this.#run('sittings', 'readonly', s => s.count()) ?? 0
        noteWaiting(sittings > 0 || places.some(row => !row.sent))
    }

    /** @param {PlaceRow} row */
    async #sendPlace(row) {
        try {
            await putPosition(row.book, positionBody(row))
        } catch (error) {
            if (!isRefusal(error)) throw error
            console.warn('The server refuses a place', error)
        }
        this.#acknowledged = row.event_id
        // a newer place may have been kept meanwhile: that one is not sent yet
        await this.#change('places', row.key, kept => kept?.event_id === row.event_id ? { ...kept, sent: true } : kept)
    }

    async #sendSittings() {
        const due = (await this.#mine('sittings')).filter(row => row.closed || Date.now() - row.seen_at > LEFT_BEHIND_MS)
        for (let i = 0; i < due.length; i += 100) {
            const batch = due.slice(i, i + 100)
            /** @type {{ results?: { id: string }[] }} */
            let answer
            try {
                answer = await sync(syncBody(batch.map(row => sessionEvent(row, row.book))))
            } catch (error) {
                if (!isRefusal(error)) throw error
                console.warn('The server refuses sittings', error)
                answer = { results: batch }
            }
            const back = new Set((answer.results ?? []).map(({ id }) => id))
            for (const row of batch) if (back.has(row.id)) await this.#change('sittings', row.key, () => undefined)
        }
    }

    /** @param {string} book @param {string} format */
    #key(book, format) {
        return `${this.person}/${book}/${format}`
    }

    /** @param {'places' | 'sittings'} store @returns {Promise<any[]>} rows of the person who is signed in */
    async #mine(store) {
        const rows = [...await this.#run(store, 'readonly', s => s.getAll()) ?? [], ...this.#memory[store]?.values() ?? []]
        return rows.filter((/** @type {{ person: string }} */ row) => row.person === this.person)
    }

    /** @param {'places' | 'sittings'} store @param {string} key */
    async #get(store, key) {
        return this.#memory[store]?.get(key) ?? await this.#run(store, 'readonly', s => s.get(key))
    }

    /** @param {'places' | 'sittings'} store @param {PlaceRow | SittingRow} row */
    async #put(store, row) {
        try {
            if (await this.#database) {
                await this.#run(store, 'readwrite', s => s.put(row))
                this.#memory[store]?.delete(row.key)
                return
            }
        } catch (error) {
            console.warn('The browser keeps nothing more', error) // no space left: then as long as the page lives
        }
        this.#memory[store]?.set(row.key, row)
    }

    /** Read, decide and write in one transaction. @param {'places' | 'sittings'} store @param {string} key @param {(row: any) => any} change */
    async #change(store, key, change) {
        const memory = this.#memory[store]
        if (memory?.has(key)) {
            const row = change(memory.get(key))
            if (row === undefined) memory.delete(key)
            else memory.set(key, row)
            return
        }
        await this.#run(store, 'readwrite', s => {
            const request = s.get(key)
            request.onsuccess = () => {
                const row = change(request.result)
                if (row === undefined) s.delete(key)
                else s.put(row)
            }
            return request
        })
    }

    /**
     * @template T
     * @param {'places' | 'sittings'} store @param {IDBTransactionMode} mode @param {(store: IDBObjectStore) => IDBRequest<T>} work
     * @returns {Promise<T | null>} null where there is no database
     */
    async #run(store, mode, work) {
        const database = await this.#database
        if (!database) return null
        return new Promise((resolve, reject) => {
            const transaction = database.transaction(store, mode)
            const request = work(transaction.objectStore(store))
            transaction.oncomplete = () => resolve(request.result)
            transaction.onerror = transaction.onabort = () => reject(transaction.error)
        })
    }
}

/** Refused for good: sending it again would change nothing. @param {unknown} error */
const isRefusal = error => error instanceof Trouble
    && ['invalid', 'not_found', 'conflict', 'too_large'].includes(error.code)

/** @param {PlaceRow} row */
const positionBody = ({ event_id, at, end, start, locator, shared, text, format }) => ({
    event_id, at: new Date(at).toISOString(), fraction: end, start_fraction: start, format,
    ...(locator && shared ? { locator } : {}), ...(text ? { text } : {}),
})

/** @param {object[]} events */
const syncBody = events => ({ device: device(), now: new Date(now()).toISOString(), events, want: [] })

/** This browser as a device; its id is made once. */
const device = () => {
    const known = remember('tomed.device')
    const id = known ?? newId()
    if (!known) remember('tomed.device', id)
    const browser = /\b(Firefox|Edg|OPR|Chrome|Safari)\b/.exec(navigator.userAgent)?.[1]?.replace('Edg', 'Edge').replace('OPR', 'Opera') ?? 'Browser'
    return { id, name: 'Browser', model: browser, koreader: '', plugin: '' }
}
