// @ts-check
// What opening a book waits for in any case, asked for while the rest of the reader is still being loaded: where to open, and the
// part of the file that tells what is in it.
import { bookPath, getPosition } from './api.js'
import { FORMATS, opensAtEnd } from './formats.js'
import { RemoteFile } from './remote-file.js'

const { bookUuid = '', format = '' } = document.body.dataset
const FORMAT = format.toUpperCase()
const known = FORMATS[FORMAT]

/** Where the server says the book was left; undefined when it can't be asked. */
export const asked = getPosition(bookUuid, known?.locator || undefined).catch(error => {
    console.warn(error)
    return undefined
})

/** The file, its size known; null for a format that nobody can show. */
export const opened = known
    ? RemoteFile.open(bookPath(bookUuid, FORMAT), { name: `book.${FORMAT.toLowerCase()}`, tail: opensAtEnd(FORMAT) })
    : Promise.resolve(null)
opened.catch(() => {}) // told by who awaits it
