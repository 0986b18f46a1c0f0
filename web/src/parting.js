// @ts-check
// What a page that is going away had in hand, left in localStorage for whichever page of tomed is opened next. Of all that a browser
// offers in `pagehide` this alone is done when the call returns: a request may be cut, and a write to IndexedDB dropped.
//
// A note is final. Whoever leaves one never goes on with the same sitting (a page that comes back begins another), so it does no
// harm that two tabs find the same note: both tell the same numbers under the same id.

/** @typedef {import('./outbox.js').PlaceRow} PlaceRow @typedef {import('./outbox.js').SittingRow} SittingRow */
/** @typedef {{ store: 'places', row: PlaceRow } | { store: 'sittings', row: SittingRow }} Note */

const LEFT = 'tomed.left.'
const WAITING = 'tomed.waiting'

/** @template T @param {(storage: Storage) => T} work @param {T} otherwise where a browser allows no storage @returns {T} */
const attempt = (work, otherwise) => {
    try {
        return work(localStorage)
    } catch {
        return otherwise
    }
}

/** @param {Note} note @returns {string} its name, for `forget` */
export const leave = note => {
    const name = `${LEFT}${note.store}.${note.row.key}`
    attempt(storage => storage.setItem(name, JSON.stringify(note)), undefined)
    return name
}

/** What pages before this one left. @returns {(Note & { name: string })[]} */
export const left = () => names().flatMap(name => {
    const note = attempt(storage => JSON.parse(storage.getItem(name) ?? ''), null)
    if (note?.row?.key && ['places', 'sittings'].includes(note.store)) return [{ ...note, name }]
    forget(name)
    return []
})

/** @param {string} name */
export const forget = name => attempt(storage => storage.removeItem(name), undefined)

/** Remember that IndexedDB holds something for the server, or no longer: so a page can know without opening it. @param {boolean} something */
export const noteWaiting = something => attempt(storage => something ? storage.setItem(WAITING, '1') : storage.removeItem(WAITING), undefined)

/** Is there anything that should go to the server? */
export const somethingWaits = () => attempt(storage => storage.getItem(WAITING) !== null, false) || names().length > 0

const names = () => attempt(storage => Object.keys(storage).filter(name => name.startsWith(LEFT)), [])
