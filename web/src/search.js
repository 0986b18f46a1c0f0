// @ts-check
// Search in the whole book, section after section, without stopping the page.
import { make } from './dom.js'
import { strings } from './strings.js'
import { normalise, TextIndex } from './text.js'

const MOST = 300
const AROUND = 45

/** @typedef {import('./types').FoliateView} View */
/** @typedef {{ index: number, cfi: string, before: string, match: string, after: string }} Hit */

/**
 * @param {View} view
 * @param {string} query
 * @param {AbortSignal} signal
 * @returns {AsyncGenerator<Hit[]>} the hits of each section that has any
 */
export async function* searchBook(view, query, signal) {
    const wanted = normalise(query).trim()
    if (!wanted) return
    for (const [index, section] of view.book.sections.entries()) {
        if (signal.aborted) return
        if (!section.createDocument) continue
        // a section that can't be read hides what it says, and nothing else
        const doc = await Promise.resolve(section.createDocument()).catch(() => null)
        if (!doc?.documentElement) continue
        const text = new TextIndex(doc)
        const hits = []
        for (let at = text.text.indexOf(wanted); at >= 0; at = text.text.indexOf(wanted, at + wanted.length)) {
            const end = at + wanted.length
            const range = text.range(at, end)
            hits.push({ index, cfi: view.getCFI(index, range), match: range.toString(), ...around(text, at, end) })
            if (hits.length >= MOST) break
        }
        if (hits.length) yield hits
        await new Promise(resolve => { setTimeout(resolve) })
    }
}

/** The words beside a hit, whole ones. @param {TextIndex} index @param {number} at @param {number} end */
const around = (index, at, end) => {
    const { text } = index
    const from = at <= AROUND ? 0 : text.indexOf(' ', at - AROUND) + 1
    const to = end + AROUND >= text.length ? text.length : text.lastIndexOf(' ', end + AROUND)
    return {
        before: from < at ? `${from ? '…' : ''}${index.range(from, at + 1).toString().slice(0, -1)}` : '',
        after: to > end ? `${index.range(end, to)}${to < text.length ? '…' : ''}` : '',
    }
}

/**
 * The search sheet: field, list, status.
 *
 * @param {{ form: HTMLFormElement, list: HTMLElement, status: HTMLElement }} parts
 * @param {View} view
 * @param {(hit: Hit) => void} go
 */
export const showSearch = ({ form, list, status }, view, go) => {
    let running = new AbortController()
    form.addEventListener('submit', event => {
        event.preventDefault()
        running.abort()
        running = new AbortController()
        void run(String(new FormData(form).get('q') ?? ''), running.signal)
    })

    /** @param {string} query @param {AbortSignal} signal */
    const run = async (query, signal) => {
        list.replaceChildren()
        status.textContent = strings.searching
        let count = 0
        for await (const hits of searchBook(view, query, signal)) {
            if (signal.aborted) return
            for (const hit of hits.slice(0, MOST - count))
                list.append(make('li', {}, make('button', { type: 'button', click: () => go(hit) }, hit.before, make('mark', {}, hit.match), hit.after)))
            count += hits.length
            status.textContent = strings.found(Math.min(count, MOST), true)
            if (count >= MOST) return
        }
        if (!signal.aborted) status.textContent = strings.found(count, false)
    }
}
