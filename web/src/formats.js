// @ts-check
// The formats that the reader knows, as the server names them.

/** What the format calls for. `locator`: the kind of place that means the same to every reader of such a file. */
/** @type {Record<string, { kind: 'epub' | 'comic' | 'mobi' | 'fb2' | 'fbz' | 'pdf' | 'rar' | '7z', locator: '' | 'cfi' | 'page' }>} */
export const FORMATS = {
    EPUB: { kind: 'epub', locator: 'cfi' },
    KEPUB: { kind: 'epub', locator: 'cfi' },
    CBZ: { kind: 'comic', locator: 'page' },
    CBR: { kind: 'rar', locator: 'page' },
    CB7: { kind: '7z', locator: 'page' },
    CBC: { kind: 'comic', locator: 'page' },
    MOBI: { kind: 'mobi', locator: '' },
    PRC: { kind: 'mobi', locator: '' },
    AZW: { kind: 'mobi', locator: '' },
    AZW3: { kind: 'mobi', locator: '' },
    KF8: { kind: 'mobi', locator: '' },
    FB2: { kind: 'fb2', locator: '' },
    FBZ: { kind: 'fbz', locator: '' },
    'FB2.ZIP': { kind: 'fbz', locator: '' },
    PDF: { kind: 'pdf', locator: 'page' },
}

/** Is the beginning of interest, or the end, where a ZIP keeps its list? @param {string} format */
export const opensAtEnd = format => ['epub', 'comic', 'fbz'].includes(FORMATS[format]?.kind ?? '')
