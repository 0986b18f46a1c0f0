--- The child's part of a sync: reads the queue's oldest segments, makes the one request, judges the answer.
--- Everything it needs comes in the job; it touches no window, no setting and no database of KOReader.
local Answers = require("tomesync/answers")
local CalibreList = require("tomesync/calibre_list")
local Clock = require("tomesync/clock")
local Paths = require("tomesync/paths")
local Positions = require("tomesync/positions")
local Queue = require("tomesync/queue")

local Exchange = {}

Exchange.most_events, Exchange.most_bytes = 400, 512 * 1024

local function joined(lines)
    local list = {}
    for i, entry in ipairs(lines) do
        list[i] = entry.line
    end
    return "[" .. table.concat(list, ",") .. "]"
end

--- The body of POST /sync. Lines are JSON already and are only put side by side.
function Exchange.body(encode, job, lines)
    local wants = {}
    for i, want in ipairs(job.want or {}) do
        wants[i] = encode(want)
    end
    return '{"device":' .. encode(job.device) .. ',"now":"' .. job.now .. '","events":' .. joined(lines)
        .. ',"want":[' .. table.concat(wants, ",") .. "]}"
end

-- Adds what Calibre's own list on this device says of the files. Whatever is wrong with that list, the sync goes on.
local function identify(json, job, lines)
    local lists = job.lists()
    local function uuidOf(book)
        local path = type(book) == "table" and job.paths[Paths.key(book)]
        return path and lists:uuidOf(path)
    end
    for i, want in ipairs(job.want or {}) do
        local uuid = uuidOf(want)
        if uuid then
            local told = { identifiers = CalibreList.added(want.identifiers, uuid) }
            for name, value in pairs(want) do
                told[name] = told[name] or value
            end
            job.want[i] = told
        end
    end
    for _, entry in ipairs(lines) do
        local event = Answers.object(json.decode, entry.line)
        local uuid = event and uuidOf(event.book)
        if uuid then
            entry.line = CalibreList.intoLine(entry.line, event.book, uuid)
        end
    end
    lists:save()
end

-- Which segments are done with, and which only in part.
local function settle(lines, held, acknowledged)
    local got = {}
    for _, entry in ipairs(lines) do
        if entry.segment and acknowledged[entry.id] then
            got[entry.segment] = got[entry.segment] or {}
            table.insert(got[entry.segment], entry.id)
        end
    end
    local done, part, aside = {}, {}, {}
    for name, state in pairs(held) do
        local ids = got[name] or {}
        if #ids < state.waiting then
            if ids[1] then
                part[#part + 1] = { name = name, ids = ids }
            end
        elseif state.unreadable > 0 then
            aside[#aside + 1] = name
        else
            done[#done + 1] = name
        end
    end
    return done, part, aside
end

-- A server that takes no more than this much gets less; one event that is still too much is left to a person.
local function send(http, json, job, lines)
    local asked = {}
    for _, entry in ipairs(lines) do
        asked[entry.id] = true
    end
    local status, body = http.request{
        method = "POST", url = job.url .. "/api/v1/sync", token = job.token, ca_file = job.ca_file,
        body = Exchange.body(json.encode, job, lines), block_s = job.block_s, total_s = job.total_s,
    }
    if not status then
        return nil, { outcome = "failed", code = "unreachable", detail = body }
    end
    return Answers.sync(json.decode, status, body, asked, #(job.want or {}))
end

--- job: { dir, segments, complete, extra = { { id, line } }, want, device, now, clock = stamp of now, url, token, ca_file, most_events,
--- lists = function that makes a CalibreList, paths = { [Paths.key(book)] = whole path } }. Without `lists` none is asked.
-- Returns a small table for the parent: { ok, done, part, aside, acknowledged_extra, positions, … } or { ok = false, … }.
function Exchange.run(job, http, json)
    local most = job.most_events or Exchange.most_events
    local function isReadable(line)
        return Answers.object(json.decode, line) ~= nil
    end
    local lines, held = Queue.read(job.dir, job.segments, most, Exchange.most_bytes, isReadable)
    for _, entry in ipairs(lines) do
        entry.line = Clock.told(entry.line, job.clock)
    end
    local from_queue, waiting = #lines, 0
    for _, state in pairs(held) do
        waiting = waiting + state.waiting
    end
    -- A place is asked for only when the server will know by then all that was read here.
    local drained = job.complete and from_queue == waiting
    if not drained then
        job.want = nil
    end
    for _, entry in ipairs(job.extra or {}) do
        lines[#lines + 1] = entry
    end
    if job.lists and job.paths then
        pcall(identify, json, job, lines)
    end
    local answer, failure = send(http, json, job, lines)
    if not answer and failure.outcome == "too_large" and #lines > 1 then
        return { ok = false, outcome = "failed", code = "too_large", most_events = math.max(1, math.floor(#lines / 4)) }
    elseif not answer then
        return { ok = false, outcome = failure.outcome, code = failure.code, status = failure.status, detail = failure.detail }
    end
    local done, part, aside = settle(lines, held, answer.acknowledged)
    local extra, acknowledged = {}, 0
    for _ in pairs(answer.acknowledged) do
        acknowledged = acknowledged + 1
    end
    for _, entry in ipairs(job.extra or {}) do
        if answer.acknowledged[entry.id] then
            extra[#extra + 1] = entry.id
        end
    end
    if #lines > 0 and acknowledged == 0 then
        return { ok = false, outcome = "failed", code = "nothing_taken" }
    end
    local positions = {}
    for i, entry in ipairs(answer.positions) do
        entry.position = Positions.validated(entry.position)
        positions[i] = entry
    end
    return {
        ok = true, done = done, part = part, aside = aside, acknowledged_extra = extra, sent = #lines, acknowledged = acknowledged,
        rejected = answer.rejected, reason = answer.reason, positions = positions, drained = drained, now = answer.now,
    }
end

return Exchange
