// The reader's pure modules, run by node alone (tests/web/test_pure.py).
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Pace } from '../../web/src/pace.js'
import { chooseTarget, isFraction, Keeper, locateFraction, pageAt, pageFractions, wholeFraction } from '../../web/src/position.js'
import { sessionEvent, Sitting } from '../../web/src/sitting.js'
import { normalise } from '../../web/src/text.js'

const place = (end, value = `epubcfi(/6/4!/4/${Math.round(end * 1000)})`) =>
    ({ start: Math.max(0, end - .01), end, locator: { kind: 'cfi', value }, shared: true, text: 'words' })
const MINUTE = 60_000

test('nothing is saved before the book stands at its place', () => {
    const keeper = new Keeper()
    assert.equal(keeper.noticed(place(.5), 'page', true), null)
    keeper.arm(place(.5))
    assert.equal(keeper.noticed(place(.5), 'page', true), null)
    assert.equal(keeper.noticed(place(.6), 'page', true).end, .6)
})

test('the layout settling, and moves nobody made, are not saved', () => {
    const keeper = new Keeper()
    keeper.arm(null)
    assert.equal(keeper.noticed(place(.6), 'anchor', true), null)
    assert.equal(keeper.noticed(place(.6), 'scroll', false), null)
    assert.equal(keeper.noticed(place(.6), null, true).end, .6)
})

test('what is no fraction is never saved', () => {
    const keeper = new Keeper()
    keeper.arm(null)
    for (const bad of [NaN, Infinity, -0.1, 1.1, undefined, null, '0.5'])
        assert.equal(keeper.noticed({ ...place(.5), end: bad }, 'page', true), null, String(bad))
    assert.ok(isFraction(0) && isFraction(1) && !isFraction(NaN) && !isFraction('1'))
})

test('a comic ends at exactly 1, whatever its number of pages', () => {
    for (let pages = 1; pages < 400; pages++) {
        assert.equal(pageFractions(pages - 1, pages - 1, pages).end, 1)
        for (let index = 0; index < pages; index++) {
            const { end } = pageFractions(index, index, pages)
            assert.equal(pageAt(end, pages), index, `${index} of ${pages}`)
        }
    }
})

test('the end of a page leads back to that page', () => {
    const starts = [0, .1, .1, .55, 1]
    for (const index of [0, 2, 3]) for (const pages of [1, 2, 7, 33]) for (let page = 0; page < pages; page++) {
        const found = locateFraction(starts, wholeFraction(starts, index, (page + 1) / pages))
        assert.equal(found.index, index)
        assert.equal(pageAt(found.local, pages), page)
    }
    assert.deepEqual(locateFraction(starts, 0), { index: 0, local: 0 })
    assert.deepEqual(locateFraction(starts, 1), { index: 3, local: 1 })
})

test('the newest place opens, and what was never sent counts', () => {
    const at = Date.parse('2026-01-01T10:00:00Z')
    const mine = { ...place(.4, 'epubcfi(/6/2!/4/2)'), event_id: 'x', at, sent: false }
    const server = { fraction: .7, at: '2026-01-01T09:00:00Z', device: 'Kobo', locator: { kind: 'cfi', value: 'epubcfi(/6/8!/4/2)' } }
    assert.equal(chooseTarget(mine, server).fraction, .4)
    assert.equal(chooseTarget(mine, { ...server, at: '2026-01-01T11:00:00Z' }).fraction, .7)
    assert.equal(chooseTarget({ ...mine, sent: true }, server).fraction, .7, 'sent: the server knows better')
    assert.equal(chooseTarget({ ...mine, sent: true }, undefined).fraction, .4, 'silent: the memory helps')
    assert.deepEqual(chooseTarget({ ...mine, sent: true }, null), {}, 'forgotten there: forgotten')
    assert.equal(chooseTarget(mine, null).fraction, .4)
    assert.deepEqual(chooseTarget(null, null), {})
    assert.deepEqual(chooseTarget(null, { fraction: NaN, at: 'x', locator: { kind: 'xpointer', value: '/body' } }), {})
})

test('a sitting counts what is seen, and a pause no longer than the cap', () => {
    const sitting = new Sitting('s', 0, place(.1), 10 * MINUTE)
    assert.equal(sitting.record(MINUTE), null, 'nothing read yet')
    sitting.turn(2 * MINUTE, place(.2))
    sitting.turn(62 * MINUTE, place(.3)) // an hour away from the desk
    sitting.hide(63 * MINUTE)
    sitting.show(80 * MINUTE)
    sitting.turn(81 * MINUTE, place(.4))
    const record = sitting.record(81 * MINUTE)
    assert.equal(record.active_ms, (2 + 10 + 1 + 1) * MINUTE)
    assert.equal(record.pages_turned, 3)
    assert.equal(record.ended_at, 81 * MINUTE)
    assert.equal(sitting.record(81 * MINUTE).active_ms, record.active_ms, 'looking changes nothing')
    assert.ok(sitting.isOver(81 * MINUTE + 31 * MINUTE))
    const event = sessionEvent(record, 'uuid')
    assert.equal(event.active_s, 14 * 60)
    assert.equal(event.start_fraction, .1)
    assert.equal(event.end_fraction, .4)
    assert.ok(event.started_at.endsWith('Z') && event.at <= event.ended_at)
})

test('the place of a sitting is as old as its last page turn', () => {
    const sitting = new Sitting('s', 0, place(.1), 10 * MINUTE)
    sitting.turn(MINUTE, place(.2))
    sitting.hide(9 * MINUTE)
    const event = sessionEvent(sitting.record(20 * MINUTE), 'uuid')
    assert.equal(Date.parse(event.at), MINUTE)
    assert.equal(Date.parse(event.ended_at), 9 * MINUTE)
})

test('a locator that only foliate understands stays at home', () => {
    const sitting = new Sitting('s', 0, place(.1), MINUTE)
    sitting.turn(1000, { ...place(.2), shared: false })
    assert.equal(sessionEvent(sitting.record(1000), 'uuid').locator, undefined)
})

test('pace: told only once enough is known; leafing does not count', () => {
    const pace = new Pace()
    for (let i = 0; i < 100; i++) pace.turned(500, .01)
    assert.equal(pace.timeFor(1), null)
    for (let i = 0; i < 10; i++) pace.turned(30_000, .01)
    assert.ok(Math.abs(pace.timeFor(.5) - 50 * 30_000) < 1)
    const learned = new Pace()
    learned.learn([{ active_s: 3600, start_fraction: 0, end_fraction: .5 }, { active_s: 60, start_fraction: .5, end_fraction: .4 }, { active_s: 5 }])
    assert.equal(learned.timeFor(.5), 3_600_000)
})

test('texts are compared without accents, case, soft hyphens and kinds of space', () => {
    assert.equal(normalise('É\u00adt\u200bé\n \u00a0d’Ýr'), 'ete d’yr')
    assert.equal(normalise('Straße'), 'straße')
})
