// foliate-js brings no types; these are the doors that we use.
declare module 'foliate-js/view.js' {}
declare module 'foliate-js/epub.js' {
    export class EPUB {
        constructor(loader: { loadText: Function, loadBlob: Function, getSize: Function, sha1?: (text: string) => Promise<Uint8Array> })
        init(): Promise<import('./types').Book>
    }
}
declare module 'foliate-js/mobi.js' {
    export class MOBI {
        constructor(tools: { unzlib: (bytes: Uint8Array) => Uint8Array })
        open(file: import('./types').Readable): Promise<import('./types').Book>
    }
}
declare module 'foliate-js/fb2.js' { export function makeFB2(file: Blob | import('./types').Readable): Promise<import('./types').Book> }
declare module 'foliate-js/overlayer.js' { export class Overlayer { static highlight: unknown } }
declare module 'foliate-js/vendor/fflate.js' { export function unzlibSync(bytes: Uint8Array): Uint8Array }
declare module 'foliate-js/vendor/zip.js' {
    export interface Entry {
        filename: string, directory: boolean, encrypted: boolean, uncompressedSize: number, compressedSize: number, offset: number
        getData(writer: unknown): Promise<any>
    }
    export function configure(options: object): void
    export class BlobReader { constructor(blob: import('./types').Readable) }
    export class TextWriter {}
    export class BlobWriter { constructor(type?: string) }
    export class ZipReader { constructor(reader: BlobReader); getEntries(): Promise<Entry[]> }
}
declare module 'pdfjs-dist/legacy/build/pdf.min.mjs' { export * from 'pdfjs-dist' }
/** Folder of pdf.js's own files below assets/, told by build.mjs. */
declare const PDFJS: string
