// @ts-check
// The reader page: opens a book at its place, shows it, and keeps what a person reads. The only module that holds foliate's view.
import 'foliate-js/view.js'
import { Overlayer } from 'foliate-js/overlayer.js'
import { base, bookPath, getSessions, now, Trouble } from './api.js'
import { byId, make } from './dom.js'
import { findNote, isNoteReference } from './footnotes.js'
import { listenToKeys } from './keys.js'
import { applyTheme, change, dress, isScrolled, settings, wireSettings } from './looks.js'
import { FORMATS } from './formats.js'
import { openBook } from './open-book.js'
import { asked, opened } from './opening.js'
import { canKeep, wireKeeping } from './offline.js'
import { newId, Outbox } from './outbox.js'
import { Pace } from './pace.js'
import { chooseTarget, Keeper, pageFractions, wholeFraction } from './position.js'
import { showProgress } from './progress.js'
import { atFraction, restore } from './restore.js'
import { lockFrames } from './sandbox.js'
import { sanitiseBook } from './sanitise.js'
import { showSearch } from './search.js'
import { themeOf } from './settings.js'
import { askPassword, askToLeave, closeSheets, notice, openSheet, say, wireSheets } from './sheets.js'
import { Sitting } from './sitting.js'
import { strings } from './strings.js'
import { excerpt, firstSeen } from './text.js'
import { showToc } from './toc.js'
import { listenToTouch } from './touch.js'

/** @typedef {import('./types').FoliateView} View @typedef {import('./types').Relocation} Relocation @typedef {import('./types').Place} Place */

const { bookUuid = '', format = '', user = '', idleCapS = '' } = document.body.dataset
const FORMAT = format.toUpperCase()
/** A move within so many ms of a key, a touch or a wheel is a person's. */
const HANDS_MS = 3000
/** After the last page turn; the place itself is kept at once. */
const SEND_MS = 1000
/** An out-of-sight page may come back: only then is the sitting over. */
const AWAY_MS = 60_000
/** Turns that may wait while one is under way. */
const QUEUED = 4
const RELOADED = 'tomed.reloaded'

const view = /** @type {View} */ (/** @type {unknown} */ (document.createElement('foliate-view')))
const keeper = new Keeper()
const pace = new Pace()
const outbox = new Outbox(user, state => {
    const text = state === 'unauthorized' ? strings.signedOut : state === 'waiting' ? strings.notSaved : ''
    byId('state').textContent = text
})

/** What changes while somebody reads. */
const reading = {
    /** @type {Place | null} */ place: null,
    /** @type {Relocation | null} */ relocation: null,
    /** @type {ReturnType<Outbox['row']> | null} last place that was kept */ row: null,
    /** @type {Sitting | null} */ sitting: null,
    /** @type {ReturnType<typeof setTimeout> | undefined} */ sending: undefined,
    /** @type {ReturnType<typeof setTimeout> | undefined} */ away: undefined,
    handsAt: -Infinity, moving: 0, turns: 0,
    /** @type {Promise<unknown>} */ turning: Promise.resolve(),
    /** @type {{ cfi: string, index: number }[]} places before a jump */ trail: [],
    /** @type {(item: import('./types').TocItem | null | undefined) => void} */ markToc: () => {},
    /** @type {string | null} */ found: null,
}

// Opening ---------------------------------------------------------------------------------------------------------------------

const start = async () => {
    applyTheme()
    lockFrames()
    const kind = FORMATS[FORMAT]?.locator ?? ''
    const mine = outbox.place(bookUuid, FORMAT).catch(() => null)
    const book = await openBook(/** @type {import('./types').Readable} */ (await openFile()), FORMAT, { askPassword })
    guardSections(book)
    sanitiseBook(book)
    byId('stage').append(view)
    await view.open(book)
    prepareRenderer()
    const server = await asked
    // a locator of another file of this book would lead anywhere in this one
    const target = chooseTarget(await mine, server && !kind ? { ...server, locator: undefined } : server)
    const how = await restore(view, target)
    keeper.arm(reading.place)
    reading.sitting = newSitting()
    sessionStorage.removeItem(RELOADED)
    document.body.dataset.state = 'ready'
    document.body.dataset.restored = how
    say('')
    if (target.device && how !== 'start') notice(strings.newerElsewhere(target.device))
    reading.markToc = showToc(byId('toc'), book.toc ?? [], href => void jump(() => goToHref(href)))
    wireSearch()
    if (canKeep()) {
        byId('keeping').hidden = false
        void wireKeeping(/** @type {HTMLInputElement} */ (byId('keep')), bookPath(bookUuid, FORMAT), error => notice(explain(error, strings.notKept)))
    }
    if (!await outbox.keeps()) notice(strings.cannotKeep)
    await outbox.flush()
    pace.learn(await getSessions(bookUuid).catch(() => []))
    if (reading.relocation) show(reading.relocation)
}

const openFile = async () => {
    const file = await opened
    if (!file) throw new Trouble(strings.unknownFormat(FORMAT || '?'), { code: 'unknown_format' })
    file.onWait = waiting => notice(waiting ? strings.waiting : '')
    return file
}

/** A part that is missing or damaged becomes a page that says so: foliate would show nothing at all. @param {import('./types').Book} book */
const guardSections = book => {
    for (const section of book.sections) {
        const { load, picture } = section
        section.load = async () => {
            try {
                const url = await load?.()
                if (typeof url === 'string' && url) return url
                return explanation(strings.partMissing)
            } catch (error) {
                return explanation(explain(error, strings.partBroken))
            }
        }
        if (picture) section.picture = () => picture().catch(error => ({
            width: 800, height: 1200, element: make('p', { class: 'trouble' }, explain(error, strings.pictureBroken)),
        }))
    }
}

/** @param {unknown} error @param {string} otherwise */
const explain = (error, otherwise) => {
    console.warn(error)
    if (!(error instanceof Trouble)) return otherwise
    if (error.code === 'changed') void reopen()
    return error.code === 'offline' ? strings.partOffline : error.message || otherwise
}

/** @param {string} sentence */
const explanation = sentence => {
    const doc = document.implementation.createHTMLDocument('')
    const paragraph = doc.createElement('p')
    paragraph.textContent = sentence
    paragraph.setAttribute('style', 'margin: 20% 10%; text-align: center; font-style: italic')
    doc.body.append(paragraph)
    return URL.createObjectURL(new Blob([new XMLSerializer().serializeToString(doc)], { type: 'application/xhtml+xml' }))
}

/** The file on the server is another one now. The place is kept already; a second time in a row is a matter for a person. */
const reopen = async () => {
    if (sessionStorage.getItem(RELOADED)) return fail(new Trouble(strings.changedAgain))
    sessionStorage.setItem(RELOADED, '1')
    notice(strings.changed)
    await outbox.flush()
    location.reload()
}

/** @param {unknown} error */
const fail = error => {
    console.error(error)
    if (error instanceof Trouble && error.code === 'changed') return void reopen()
    document.body.dataset.state = 'failed'
    say(error instanceof Trouble && error.message ? error.message : strings.broken)
    if (error instanceof Trouble && error.code === 'unauthorized') byId('signin').hidden = false
}

// The renderer ----------------------------------------------------------------------------------------------------------------

const prepareRenderer = () => {
    const { renderer } = view
    renderer.addEventListener('relocate', event => onRelocate(/** @type {CustomEvent<Relocation>} */ (event).detail))
    view.addEventListener('load', event => onLoad(/** @type {CustomEvent<{ doc: Document, index: number }>} */ (event).detail))
    view.addEventListener('external-link', event => {
        event.preventDefault()
        askToLeave(/** @type {CustomEvent<{ href: string }>} */ (event).detail.href)
    })
    view.addEventListener('link', event => {
        event.preventDefault()
        void followLink(/** @type {CustomEvent<{ a: Element, href: string }>} */ (event).detail)
    })
    view.addEventListener('draw-annotation', event => {
        const { draw } = /** @type {CustomEvent<{ draw: (how: unknown, options: object) => void }>} */ (event).detail
        draw(Overlayer.highlight, { color: '#f2b63c' })
    })
    dress(view)
    listenToTouch(byId('stage'), hands, x => x)
    for (const type of ['pointerdown', 'pointermove', 'wheel', 'touchmove', 'touchend', 'keydown']) addEventListener(type, noteHands, { passive: true, capture: true })
}

/** @param {Event} event */
const noteHands = event => {
    // a mouse that merely passes over the page moves nothing
    if (event.type === 'pointermove' && !(/** @type {PointerEvent} */ (event).buttons)) return
    reading.handsAt = performance.now()
}

const hands = {
    turn: /** @param {'left' | 'right'} side */ side => void turn(side),
    bars: () => void document.body.classList.toggle('quiet'),
    swipes: () => view.isFixedLayout,
}

/** A new document in a frame. @param {{ doc: Document, index: number }} detail */
const onLoad = ({ doc }) => {
    const frame = doc.defaultView?.frameElement
    frame?.setAttribute('title', strings.frameTitle)
    frame?.setAttribute('tabindex', '-1')
    listenToKeys(doc, act, isScrolled)
    listenToTouch(doc, hands, x => x + (doc.defaultView?.frameElement?.getBoundingClientRect().left ?? 0))
    for (const type of ['pointerdown', 'wheel', 'touchmove', 'touchend', 'keydown']) doc.addEventListener(type, noteHands, { passive: true })
    // foliate knows <a href>; any other kind of link would lead the frame away from the book
    doc.addEventListener('click', event => {
        const link = /** @type {Element | null} */ (event.target)?.closest?.('a, area')
        if (link && !link.matches('a[href]')) event.preventDefault()
    })
    doc.addEventListener('submit', event => event.preventDefault())
}

/** @param {Relocation} relocation */
const onRelocate = relocation => {
    const { fraction, size = 0 } = relocation
    // told before the section is laid out: pages counted from nothing. And a turn into the next section passes the blank page
    // behind the last one: nobody reads that
    if (!(fraction >= 0 && (fraction < 1 || view.isFixedLayout) && size >= 0)) return
    reading.relocation = relocation
    const place = placeOf(relocation)
    const byPerson = reading.moving > 0 || performance.now() - reading.handsAt < HANDS_MS
    const kept = keeper.noticed(place, relocation.reason, byPerson)
    const before = reading.place
    reading.place = place
    show(relocation)
    if (kept) void keep(kept, before)
}

/** @param {Relocation} relocation @returns {Place} */
const placeOf = ({ index, fraction, size, range, last = index }) => {
    const { locator: kind } = FORMATS[FORMAT] ?? { locator: '' }
    if (view.isFixedLayout) {
        const pages = view.book.sections.length
        const value = kind === 'page' ? String(index + 1) : view.getCFI(index)
        return { ...pageFractions(index, last, pages), locator: { kind: kind === 'page' ? 'page' : 'cfi', value }, shared: kind !== '', text: '' }
    }
    const starts = view.getSectionFractions()
    const { renderer } = view
    const scrolledEnd = () => renderer.viewSize - renderer.end <= 2 ? 1 : renderer.end / renderer.viewSize
    const localEnd = size === undefined ? scrolledEnd() : fraction + size
    // the last of what is read in order ends the book, whatever rounding says
    const atEnd = localEnd > .9999 && view.book.sections.every((section, i) => i <= index || section.linear === 'no' || !(section.size > 0))
    const point = range && firstSeen(range)
    return {
        start: wholeFraction(starts, index, fraction), end: atEnd ? 1 : wholeFraction(starts, index, localEnd),
        locator: point ? { kind: 'cfi', value: view.getCFI(index, point) } : null, shared: kind !== '', text: excerpt(range),
    }
}


/** @param {Relocation} relocation */
const show = ({ index, last = index }) => {
    const { place } = reading
    if (!place) return
    const of = view.book.sections.length
    const starts = view.isFixedLayout ? [] : view.getSectionFractions()
    const item = view.lastLocation?.tocItem
    showProgress(
        { where: byId('where'), left: byId('left'), slider: /** @type {HTMLInputElement} */ (byId('progress')) },
        { ...place, ...view.isFixedLayout ? { page: { first: index + 1, last: last + 1, of } } : {}, chapterEnd: view.isFixedLayout ? null : starts[index + 1] ?? 1 },
        pace)
    const chapter = item?.label?.trim() ?? ''
    if (byId('chapter').textContent !== chapter) byId('chapter').textContent = chapter
}

// Keeping the place -----------------------------------------------------------------------------------------------------------

/** @param {Place} place @param {Place | null} before */
const keep = async (place, before) => {
    const at = now()
    if (reading.sitting?.isOver(at)) closeSitting()
    const sitting = reading.sitting ??= begin(before ?? place)
    const spent = sitting.turn(at, place)
    if (before) pace.turned(spent, place.start - before.start)
    reading.row = outbox.row(bookUuid, FORMAT, place)
    clearTimeout(reading.sending)
    reading.sending = setTimeout(() => void outbox.flush(), SEND_MS)
    await outbox.keep(reading.row)
    const record = sitting === reading.sitting ? sitting.record(at) : null
    if (record) await outbox.keepSitting(record, bookUuid, false)
}

/** @param {Place} from */
const begin = from => new Sitting(newId(), now(), from, (Number(idleCapS) || 600) * 1000)
const newSitting = () => reading.place && begin(reading.place)

/** The sitting is over: it goes to the outbox. */
const closeSitting = () => {
    const record = reading.sitting?.record(now())
    reading.sitting = null
    if (!record) return null
    void outbox.keepSitting(record, bookUuid, true)
    return record
}

const onHidden = () => {
    if (document.visibilityState === 'visible') {
        clearTimeout(reading.away)
        reading.sitting?.show(now())
        reading.sitting ??= newSitting()
        void outbox.flush()
        return
    }
    reading.sitting?.hide(now())
    clearTimeout(reading.sending)
    outbox.farewell(reading.row, null)
    // a phone may end a page that is out of sight without a word
    const record = reading.sitting?.record(now())
    if (record) void outbox.keepSitting(record, bookUuid, false)
    reading.away = setTimeout(() => {
        closeSitting()
        void outbox.flush()
    }, AWAY_MS)
}

/** The page goes away, perhaps for good: the sitting is over, and everything leaves now. */
const onLeave = () => {
    const record = closeSitting()
    outbox.farewell(reading.row, record && { record, book: bookUuid })
}

// Moving ----------------------------------------------------------------------------------------------------------------------

/** Whatever `work` moves, a person wanted it. @param {() => unknown} work */
const personally = async work => {
    reading.moving++
    byId('stage').setAttribute('aria-busy', 'true')
    try {
        await work()
    } catch (error) {
        console.warn(error)
    } finally {
        if (!--reading.moving) byId('stage').setAttribute('aria-busy', 'false')
    }
}

/** Quick turns wait for each other instead of getting lost. @param {'left' | 'right' | 'next' | 'prev'} side */
const turn = side => {
    if (reading.turns >= QUEUED) return
    reading.turns++
    const go = () => side === 'left' ? view.goLeft() : side === 'right' ? view.goRight() : side === 'next' ? view.next() : view.prev()
    reading.turning = reading.turning.then(() => personally(go)).finally(() => reading.turns--)
    return reading.turning
}

/** Somewhere else in the book, with a way back. @param {() => unknown} work */
const jump = async work => {
    const cfi = view.lastLocation?.cfi
    if (cfi) reading.trail.push({ cfi, index: reading.relocation?.index ?? 0 })
    byId('back').hidden = reading.trail.length === 0
    closeSheets()
    await reading.turning
    await personally(work)
}

const goBack = async () => {
    const last = reading.trail.pop()
    byId('back').hidden = reading.trail.length === 0
    if (last) await personally(async () => goTo(view.isFixedLayout ? { index: last.index } : await view.resolveNavigation(last.cfi)))
}

/** @param {import('./types').Navigation | null | undefined} target */
const goTo = async target => {
    if (target && view.book.sections[target.index]) await view.renderer.goTo(target)
    else notice(strings.partMissing)
}

/** @param {string} href */
const goToHref = async href => goTo(await view.book.resolveHref(href))

/** @param {number} fraction */
const goToFraction = fraction => jump(() => goTo(atFraction(view, fraction)))

/** @param {{ a: Element, href: string }} link */
const followLink = async ({ a, href }) => {
    const note = isNoteReference(a) ? await findNote(view.book, href).catch(() => null) : null
    if (!note) return jump(() => goToHref(href))
    byId('note-text').replaceChildren(note)
    byId('note-go').onclick = () => void jump(() => goToHref(href))
    openSheet('note')
}

/** @param {import('./keys.js').Action} action */
const act = action => {
    reading.handsAt = performance.now()
    switch (action) {
        case 'left': case 'right': case 'next': case 'prev': return void turn(action)
        case 'first': return void goToFraction(0)
        case 'last': return void goToFraction(1)
        case 'contents': return openSheet('contents', () => reading.markToc(view.lastLocation?.tocItem))
        case 'search': return openSheet('search', () => byId('query').focus())
        case 'settings': return openSheet('settings')
        case 'theme': return change({ theme: themeOf(settings).dark ? 'light' : 'dark' })
        case 'larger': return change({ size: Math.min(250, settings.size + 10) })
        case 'smaller': return change({ size: Math.max(60, settings.size - 10) })
        case 'bars': return hands.bars()
        case 'back': return void goBack()
        case 'fullscreen': return void (document.fullscreenElement ? document.exitFullscreen() : document.documentElement.requestFullscreen?.())
    }
}

const wireSearch = () => {
    const form = /** @type {HTMLFormElement} */ (byId('search-form'))
    showSearch({ form, list: byId('hits'), status: byId('search-status') }, view, hit => void jump(async () => {
        if (view.isFixedLayout) return goTo({ index: hit.index })
        await goTo(await view.resolveNavigation(hit.cfi))
        if (reading.found) await view.addAnnotation({ value: reading.found }, true)
        reading.found = hit.cfi
        await view.addAnnotation({ value: hit.cfi })
    }))
}

// The page --------------------------------------------------------------------------------------------------------------------

const wirePage = () => {
    listenToKeys(window, act, isScrolled)
    for (const button of document.querySelectorAll('button[data-act]'))
        button.addEventListener('click', () => act(/** @type {import('./keys.js').Action} */ (button.getAttribute('data-act'))))
    wireSheets()
    const slider = /** @type {HTMLInputElement} */ (byId('progress'))
    slider.addEventListener('change', () => void goToFraction(Number(slider.value)))
    document.addEventListener('visibilitychange', onHidden)
    addEventListener('pagehide', onLeave)
    document.addEventListener('freeze', onLeave)
    addEventListener('pageshow', event => {
        if (!event.persisted) return
        reading.sitting = newSitting()
        void outbox.flush()
    })
    wireSettings()
}

wirePage()
start().catch(fail)
if (canKeep())
    navigator.serviceWorker.register(`${base}/sw.js`, { scope: `${base}/` }).catch(error => console.warn(error))
