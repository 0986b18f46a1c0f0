// @ts-check
// Shows pages that have a size of their own: comics, PDF, fixed-layout EPUB. It takes the place of foliate's renderer of the
// same name, which reports the wrong page of a spread, shows an empty page between two turns and needs a frame for a picture.
//
// Speaks as foliate's view expects: open(), goTo(), next(), prev(), getContents(), destroy(), events `load` and `relocate`.
// `index` of a relocate is the first page shown, `last` the last one.

/** @typedef {import('./types').Section} Section @typedef {import('./types').Picture} Picture */

const STYLE = `
:host { display: block; width: 100%; height: 100%; overflow: auto; outline: none; }
.spread { min-width: 100%; min-height: 100%; width: max-content; display: flex; justify-content: center; align-items: center; }
.spread.rtl { flex-direction: row-reverse; }
.page { position: relative; flex: none; overflow: hidden; margin-block: auto; }
.page > * { position: absolute; inset: 0; width: 100%; height: 100%; display: block; }
.page > iframe { border: 0; transform-origin: 0 0; inset: 0 auto auto 0; background: #fff; }
.page > img { object-fit: contain; user-select: none; -webkit-user-drag: none; }
.page > .trouble { display: grid; place-items: center; padding: 2rem; box-sizing: border-box; text-align: center; margin: 0; }
.page > .pdf { outline: 1px solid rgb(128 128 128 / .25); outline-offset: -1px; }
.page canvas { position: absolute; inset: 0; width: 100%; height: 100%; }
.textLayer { position: absolute; inset: 0; overflow: clip; line-height: 1; text-align: initial; transform-origin: 0 0; text-size-adjust: none;
  forced-color-adjust: none; --total-scale-factor: calc(var(--scale-factor) * var(--user-unit, 1)); --min-font-size: 1; --text-scale-factor: calc(var(--total-scale-factor) * var(--min-font-size)); --min-font-size-inv: calc(1 / var(--min-font-size)); }
.textLayer :is(span, br) { color: transparent; position: absolute; white-space: pre; cursor: text; transform-origin: 0 0; }
.textLayer > :not(.markedContent), .textLayer .markedContent span:not(.markedContent) { --font-height: 0; --scale-x: 1; --rotate: 0deg;
  font-size: calc(var(--text-scale-factor) * var(--font-height)); transform: rotate(var(--rotate)) scaleX(var(--scale-x)) scale(var(--min-font-size-inv)); }
.textLayer .markedContent { display: contents; }
.textLayer ::selection { background: rgb(0 90 200 / .3); }
`
/** Pages that stay loaded around the one that is shown. */
const AHEAD = 2
const BEHIND = 2

export class FixedPages extends HTMLElement {
    static observedAttributes = ['spread', 'fit']
    #root = this.attachShadow({ mode: 'open' })
    #spread = document.createElement('div')
    #resize = new ResizeObserver(() => this.#layout())
    /** @type {Section[]} */
    #sections = []
    /** @type {Map<number, Promise<Picture>>} */
    #loaded = new Map()
    /** @type {{ index: number, picture: Picture, page: HTMLElement }[]} */
    #shown = []
    #rtl = false
    #wanted = -1
    #index = -1

    constructor() {
        super()
        const style = document.createElement('style')
        style.textContent = STYLE
        this.#spread.className = 'spread'
        this.#root.append(style, this.#spread)
        this.#resize.observe(this)
    }

    /** @param {string} name */
    attributeChangedCallback(name) {
        if (name === 'spread' && this.#index >= 0) void this.#show(this.#index, 'anchor')
        else this.#layout()
    }

    /** @param {import('./types').Book} book */
    open(book) {
        this.#sections = book.sections
        this.#rtl = book.dir === 'rtl'
        this.#spread.classList.toggle('rtl', this.#rtl)
    }

    /** @param {import('./types').Navigation | Promise<import('./types').Navigation>} target */
    async goTo(target) {
        const { index } = await target
        if (this.#sections[index]) await this.#show(index, 'navigation')
    }

    async next() {
        if (this.#scrollPage(1)) return
        const last = this.#shown.at(-1)?.index ?? -1
        const index = this.#neighbour(last, 1)
        if (index !== undefined) await this.#show(index, 'page')
    }

    async prev() {
        if (this.#scrollPage(-1)) return
        const index = this.#neighbour(this.#index, -1)
        if (index === undefined) return
        const before = this.#neighbour(index, -1)
        if (before !== undefined && this.#facing) {
            const [a, b] = await Promise.all([this.#load(before), this.#load(index)])
            if (this.#pairs(before, a, index, b)) return this.#show(before, 'page')
        }
        await this.#show(index, 'page', true)
    }

    getContents() {
        return this.#shown.flatMap(({ index, picture }) => {
            const doc = picture.element instanceof HTMLIFrameElement && picture.element.contentDocument
            return doc ? [{ doc, index }] : []
        })
    }

    destroy() {
        this.#resize.disconnect()
        for (const index of this.#loaded.keys()) this.#sections[index]?.unload?.()
        this.#loaded.clear()
    }

    /** Two pages beside each other, in a window that is wider than high. */
    get #facing() {
        return this.getAttribute('spread') === 'auto' && this.clientWidth > this.clientHeight
    }

    /** @param {number} from @param {1 | -1} step */
    #neighbour(from, step) {
        for (let i = from + step; i >= 0 && i < this.#sections.length; i += step)
            if (this.#sections[i]?.linear !== 'no') return i
        return undefined
    }

    /** Do these two lie open together? The cover is alone, and so is a picture that is a spread by itself.
     * @param {number} i @param {Picture} a @param {number} j @param {Picture} b */
    #pairs(i, a, j, b) {
        return this.#mayPair(i, j) && (this.#told(i, j) || a.width <= a.height && b.width <= b.height)
    }

    /** The same, as far as it can be known before the pages are here. @param {number} i @param {number} j */
    #mayPair(i, j) {
        if (!this.#facing || j !== i + 1) return false
        if (!this.#told(i, j)) return i > 0
        const right = this.#sections[j]?.pageSpread
        const first = this.#rtl ? 'right' : 'left'
        return this.#sections[i]?.pageSpread === first && (!right || right !== first && right !== 'center')
    }

    /** Does the book itself say on which side they lie? @param {number} i @param {number} j */
    #told(i, j) {
        return !!(this.#sections[i]?.pageSpread || this.#sections[j]?.pageSpread)
    }

    /** @param {number} index @param {string} reason @param {boolean} [atEnd] scrolled to its end */
    async #show(index, reason, atEnd = false) {
        this.#wanted = index
        const second = this.#neighbour(index, 1)
        const [a, b] = await Promise.all([this.#load(index),
            // one that never lies beside this one is not waited for
            second !== undefined && this.#mayPair(index, second) ? this.#load(second) : undefined])
        const pictures = second !== undefined && b && this.#pairs(index, a, second, b) ? [a, b] : [a]
        if (this.#wanted !== index) return // a later move has overtaken this one
        this.#index = index
        this.#shown = pictures.map((picture, k) => {
            const page = document.createElement('div')
            page.className = 'page'
            if (!picture.element.isConnected) page.append(picture.element)
            return { index: index + k, picture, page: picture.element.parentElement ?? page }
        })
        this.#spread.replaceChildren(...this.#shown.map(({ page }) => page))
        this.#layout()
        await Promise.all(this.#shown.filter(({ picture }) => picture.element instanceof HTMLIFrameElement)
            .map(({ picture, index: i }) => this.#openFrame(picture, i)))
        this.scrollTo({ left: this.#rtl ? this.scrollWidth : 0, top: atEnd ? this.scrollHeight : 0, behavior: 'instant' })
        const detail = { reason, range: null, index, last: index + pictures.length - 1, fraction: 0, size: 1 }
        this.dispatchEvent(new CustomEvent('relocate', { detail }))
        this.#keepNear(index)
    }

    /** @param {number} index @returns {Promise<Picture>} */
    #load(index) {
        const known = this.#loaded.get(index)
        if (known) return known
        const section = this.#sections[index]
        const picture = section?.picture ? section.picture() : this.#frame(index)
        this.#loaded.set(index, picture)
        picture.catch(() => this.#loaded.delete(index))
        return picture
    }

    /** A page that is a document: its size is told inside, so it is known only once the frame has it. @param {number} index */
    async #frame(index) {
        const src = await this.#sections[index]?.load?.()
        const frame = document.createElement('iframe')
        frame.setAttribute('sandbox', 'allow-same-origin allow-scripts')
        frame.setAttribute('scrolling', 'no')
        frame.dataset.src = src ?? ''
        return { width: 800, height: 1200, element: /** @type {HTMLElement} */ (frame) }
    }

    /** @param {Picture} picture @param {number} index */
    async #openFrame(picture, index) {
        const frame = /** @type {HTMLIFrameElement} */ (picture.element)
        await new Promise(resolve => {
            frame.addEventListener('load', resolve, { once: true })
            frame.src = frame.dataset.src ?? ''
        })
        const doc = frame.contentDocument
        if (!doc) return
        this.dispatchEvent(new CustomEvent('load', { detail: { doc, index } }))
        Object.assign(picture, sizeOf(doc))
        this.#layout()
    }

    /** @param {number} index */
    #keepNear(index) {
        const after = index + this.#shown.length
        for (const i of [...this.#loaded.keys()]) {
            if (i >= index - BEHIND && i < after + AHEAD) continue
            this.#loaded.delete(i)
            this.#sections[i]?.unload?.()
        }
        // what is shown comes first: the next pages wait until it has been drawn
        setTimeout(() => {
            if (this.#index !== index || !this.isConnected) return
            for (let i = after; i < after + AHEAD; i++) if (this.#sections[i]?.picture) this.#load(i).catch(() => {})
        }, 30)
    }

    #layout() {
        if (!this.#shown.length || !this.clientWidth) return
        const width = this.#shown.reduce((sum, { picture }) => sum + picture.width, 0)
        const height = Math.max(...this.#shown.map(({ picture }) => picture.height))
        const byWidth = this.clientWidth / width
        const scale = this.getAttribute('fit') === 'width' ? byWidth : Math.min(byWidth, this.clientHeight / height)
        for (const { picture, page } of this.#shown) {
            page.style.width = `${picture.width * scale}px`
            page.style.height = `${picture.height * scale}px`
            if (picture.element instanceof HTMLIFrameElement)
                Object.assign(picture.element.style, { width: `${picture.width}px`, height: `${picture.height}px`, transform: `scale(${scale})` })
            void picture.draw?.(scale)
        }
    }

    /** Within a page that is higher than the window; false at its end. @param {1 | -1} direction */
    #scrollPage(direction) {
        const rest = direction > 0 ? this.scrollHeight - this.clientHeight - this.scrollTop : this.scrollTop
        if (rest < 4) return false
        this.scrollBy({ top: direction * this.clientHeight * .9, behavior: 'instant' })
        return true
    }
}

/** @param {Document} doc @returns {{ width: number, height: number }} */
const sizeOf = doc => {
    const root = doc.documentElement
    const told = root.localName === 'svg'
        ? (root.getAttribute('viewBox') ?? '').trim().split(/[\s,]+/).slice(2).map(Number)
        : ['width', 'height'].map(name => Number(new RegExp(`${name}\\s*=\\s*([\\d.]+)`).exec(doc.querySelector('meta[name=viewport]')?.getAttribute('content') ?? '')?.[1]))
    const image = doc.querySelector('img')
    const [width, height] = told.every(x => x > 0) && told.length === 2 ? told : [image?.naturalWidth, image?.naturalHeight]
    return { width: width || 800, height: height || 1200 }
}

customElements.define('foliate-fxl', FixedPages)
