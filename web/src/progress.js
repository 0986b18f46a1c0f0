// @ts-check
// The line at the foot of the page: where one is, and how long the rest takes.
import { strings } from './strings.js'

/** @param {number} ms */
export const duration = ms => {
    const minutes = Math.round(ms / 60_000)
    if (minutes < 1) return strings.lessThanAMinute
    return minutes < 60 ? strings.minutes(minutes) : strings.hours(Math.floor(minutes / 60), minutes % 60)
}

/**
 * @param {{ where: HTMLElement, left: HTMLElement, slider: HTMLInputElement }} parts
 * @param {{ start: number, end: number, page?: { first: number, last: number, of: number }, chapterEnd: number | null }} here
 * @param {import('./pace.js').Pace} pace
 */
export const showProgress = ({ where, left, slider }, { start, end, page, chapterEnd }, pace) => {
    const percent = strings.percent(Math.floor(end * 100 + 1e-9))
    where.textContent = page ? page.last > page.first ? strings.pagesOf(page.first, page.last, page.of) : strings.pageOf(page.first, page.of) : percent
    if (document.activeElement !== slider) slider.value = String(end)
    slider.setAttribute('aria-valuetext', page ? `${where.textContent}, ${percent}` : percent)
    const chapter = chapterEnd === null ? null : pace.timeFor(chapterEnd - start)
    const book = pace.timeFor(1 - start)
    const parts = []
    if (chapter !== null) parts.push(strings.leftInChapter(duration(chapter)))
    if (book !== null) parts.push(chapter === null ? strings.leftInBook(duration(book)) : strings.andInBook(duration(book)))
    left.textContent = parts.join(' · ')
}
