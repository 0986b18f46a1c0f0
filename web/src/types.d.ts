// The shapes that our modules share, and as much of foliate-js as we touch.

/** A place in one file of a book, as the protocol writes it. */
export interface Locator { kind: 'xpointer' | 'cfi' | 'page', value: string }

/** What the server knows of where somebody is. */
export interface ServerPosition {
    fraction: number
    locator?: Locator | undefined
    precision?: 'exact' | 'element' | 'section' | 'fraction'
    at: string
    device?: string
    text?: string
}

/** Where a page of the book lies. Fractions are of the whole book. */
export interface Place {
    /** Beginning of what is shown. */
    start: number
    /** End of what is shown: the one that is saved, and 1 on the last page. */
    end: number
    locator: Locator | null
    /** Does the locator mean the same to other readers of the book? Not where foliate makes up a document of its own. */
    shared: boolean
    /** About 40 characters that follow the place. */
    text: string
}

/** A place with its time: what the outbox sends and what this browser remembers. */
export interface SavedPlace extends Place {
    event_id: string
    /** ms since the epoch, by the server's clock. */
    at: number
    sent: boolean
}

/** Where to open: the first of these that works. */
export interface Target {
    cfi?: string
    page?: number
    fraction?: number
    text?: string
    /** Of another device: worth a word to the person. */
    device?: string
}

/** What foliate's renderers (and our own) tell of a move. */
export interface Relocation {
    reason?: string | null
    index: number
    fraction: number
    size?: number
    range?: Range | null
    /** Only ours: the last page shown, in a spread another than `index`. */
    last?: number
}

export interface Navigation { index: number, anchor?: ((doc: Document) => unknown) | number, select?: boolean }

/** A page that has a size of its own; see fixed-pages.js. */
export interface Picture { width: number, height: number, element: HTMLElement, draw?: (scale: number) => void | Promise<void> }

export interface Section {
    id: unknown
    size: number
    linear?: string | null
    cfi?: string
    pageSpread?: string
    load?: () => Promise<string | null> | string | null
    unload?: () => void
    createDocument?: () => Promise<Document> | Document
    resolveHref?: (href: string) => string
    /** Comics and PDF: the page itself, no frame needed. */
    picture?: () => Promise<Picture>
}

export interface TocItem { label: string, href: string, subitems?: TocItem[] | null, id?: number }

export interface Book {
    sections: Section[]
    toc?: TocItem[] | null
    dir?: string
    metadata?: { language?: string | string[] }
    rendition?: { layout?: string, spread?: string, viewport?: unknown }
    transformTarget?: EventTarget
    serializer?: { serializeToString: (doc: Document) => string }
    resolveHref: (href: string) => Navigation | null | undefined | Promise<Navigation | null | undefined>
    resolveCFI?: (cfi: string) => Navigation
    splitTOCHref?: (href: string) => unknown
    getTOCFragment?: (doc: Document, id: unknown) => Node | null
    isExternal?: (href: string) => boolean
    destroy?: () => void
}

export interface Renderer extends HTMLElement {
    goTo(target: Navigation): Promise<unknown>
    prev(distance?: number): Promise<unknown>
    next(distance?: number): Promise<unknown>
    getContents(): { doc: Document, index?: number }[]
    setStyles?(css: string | [string, string]): void
    destroy(): void
    readonly scrolled?: boolean
    readonly pages: number
    readonly page: number
    readonly size: number
    readonly viewSize: number
    readonly start: number
    readonly end: number
}

export interface FoliateView extends HTMLElement {
    book: Book
    renderer: Renderer
    isFixedLayout: boolean
    lastLocation: { fraction: number, cfi: string, range?: Range, tocItem?: TocItem | null } | null
    open(book: Book): Promise<void>
    resolveNavigation(target: unknown): Navigation | null | undefined | Promise<Navigation | null | undefined>
    getCFI(index: number, range?: Range | null): string
    getSectionFractions(): number[]
    addAnnotation(annotation: { value: string }, remove?: boolean): Promise<unknown>
    goLeft(): Promise<unknown>
    goRight(): Promise<unknown>
    next(distance?: number): Promise<unknown>
    prev(distance?: number): Promise<unknown>
}

/** As much of Blob as the parsers ask of a file. */
export interface Readable {
    readonly size: number
    readonly type: string
    readonly name?: string
    slice(start?: number, end?: number, type?: string): Readable
    arrayBuffer(): Promise<ArrayBuffer>
    text(): Promise<string>
    stream(): ReadableStream<Uint8Array>
    /** A hint that these bytes are read next. */
    expect?(start: number, end: number): void
}

export interface Archive {
    /** Names of the files in it, as written there. */
    names: string[]
    loadText(name: string): Promise<string> | null
    loadBlob(name: string, type?: string): Promise<Blob> | null
    getSize(name: string): number
}
