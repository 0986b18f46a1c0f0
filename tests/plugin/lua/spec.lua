-- luajit spec.lua PLUGIN_DIR: the pure modules, each alone. Every check is one line of JSON-free output: "ok NAME" or "not ok NAME: why".
package.path = arg[1] .. "/?.lua;" .. package.path
local lfs = require("lfs")
local failures = 0
local function test(name, f)
    local ok, err = xpcall(f, debug.traceback)
    print((ok and "ok " or "not ok ") .. name .. (ok and "" or ": " .. tostring(err)))
    if not ok then failures = failures + 1 end
end
local function same(a, b)
    if a ~= b then error(("expected %s, got %s"):format(tostring(b), tostring(a)), 2) end
end

local Tracker = require("tomesync/tracker")
local function tracker()
    local clock = { now = 1000, error = 0 }
    clock.wall = function() return 1700000000 + clock.now + clock.error end
    clock.steady = function() return clock.now end
    return Tracker.new(clock, function() return "id" end), clock
end
local function at(page, total) return { page = page, total = total or 100, fraction = page / (total or 100) } end

test("a sitting adds its gaps up to the cap", function()
    local t, clock = tracker()
    t:begin(at(1), 600)
    clock.now = clock.now + 60; same(t:moved(at(2)), "turn")
    clock.now = clock.now + 5000; same(t:moved(at(3)), "turn")
    clock.now = clock.now + 30
    local s = t:finish()
    same(s.active_s, 60 + 600 + 30); same(s.pages_turned, 2); same(s.ended_at - s.started_at, 5090)
end)
test("without a cap everything counts", function()
    local t, clock = tracker()
    t:begin(at(1), nil)
    clock.now = clock.now + 5000
    same(t:finish().active_s, 5000)
end)
test("jumps and going back are no turns", function()
    local t = tracker()
    t:begin(at(1), 600)
    same(t:moved(at(50)), "jump"); same(t:moved(at(49)), "back"); same(t:moved(at(49)), nil); same(t:moved(at(51)), "jump")
    same(t:snapshot().pages_turned, 0); same(t:snapshot().moved, true)
end)
test("two pages at once are one turn", function()
    local t = tracker()
    local function pair(page) local p = at(page); p.shown = 2; return p end
    t:begin(pair(1), 600)
    same(t:moved(pair(3)), "turn"); same(t:moved(pair(6)), "jump")
    same(t:snapshot().pages_turned, 1)
end)
test("re-rendering takes its own page change back", function()
    local t = tracker()
    t:begin(at(10), 600)
    local serial = t.serial
    same(t:moved(at(11, 130)), "turn")
    t:rerendered(at(11, 130))
    same(t:snapshot().pages_turned, 0); same(t:snapshot().moved, false); same(t.serial, serial)
    same(t:moved(at(12, 130)), "turn"); t:rerendered(at(12, 130))
    same(t:snapshot().pages_turned, 1)
end)
test("property: any walk keeps its promises", function()
    for seed = 1, 300 do
        math.randomseed(seed)
        local t, clock = tracker()
        local page, forward, elapsed = 50, 0, 0
        local cap = ({ 300, 600, false })[math.random(3)] or nil
        t:begin(at(page), cap)
        for _ = 1, math.random(30) do
            local gap = math.random(0, 2000)
            clock.now, elapsed = clock.now + gap, elapsed + gap
            if math.random(10) == 1 then clock.error = math.random(-1e8, 1e8) end
            local step = math.random(-3, 3)
            page = page + step
            if step == 1 then forward = forward + 1 end
            t:moved(at(page, 1000))
            if step == 0 then t:rebase(at(page, 1000)) end
        end
        local s = t:finish()
        assert(s.active_s <= elapsed + 1 and s.active_s >= 0)
        assert(s.started_at <= s.ended_at and s.ended_at - s.started_at <= elapsed + 1)
        assert(s.pages_turned <= forward)
        local dwelt = 0
        for _, entry in ipairs(s.page_times) do dwelt = dwelt + entry[3]; assert(entry[2] >= 0) end
        assert(math.abs(dwelt - s.active_s) <= #s.page_times, dwelt .. " " .. s.active_s)
    end
end)

local Times = require("tomesync/times")
test("times go there and back", function()
    for _, t in ipairs{ 0, 951782400, 1709164800, 1709251199, 1795384800, 4102444799 } do same(Times.parse(Times.format(t)), t) end
    same(Times.format(0), "1970-01-01T00:00:00Z"); same(Times.parse("2026-05-24T14:30:00.250Z"), Times.parse("2026-05-24T14:30:00Z"))
    same(Times.parse("2026-05-24T14:30:00"), nil); same(Times.parse(7), nil)
end)

local Text = require("tomesync/text")
test("text is valid UTF-8 afterwards, and whole characters", function()
    same(Text.valid("naïve 星"), "naïve 星"); same(Text.valid("a\255b\192\128c\237\160\128d"), "a?b??c???d"); same(Text.valid("cut \226\130"), "cut ??")
    same(Text.first("星の物語", 2), "星の"); same(Text.first("abc", 9), "abc"); same(Text.squeezed("  a \n\t b "), "a b")
end)

local Positions = require("tomesync/positions")
test("positions: dialects, parents, policies", function()
    same(Positions.normalised("/body[1]/DocFragment[2]/body[1]/p[1]/text()[1].0"), "/body/DocFragment[2]/body/p/text().0")
    local parents = Positions.parents("/body/DocFragment[2]/body/div/p[3]/text().7")
    same(table.concat(parents, " "), "/body/DocFragment[2]/body/div/p[3]/text() /body/DocFragment[2]/body/div/p[3] /body/DocFragment[2]/body/div /body/DocFragment[2]/body")
    same(#Positions.parents("garbage"), 0)
    local here = { fraction = 0.3 }
    same(Positions.decide(here, { fraction = 0.302 }, {}), "nothing"); same(Positions.decide(here, { fraction = 0.5 }, {}), "go")
    same(Positions.decide(here, { fraction = 0.1 }, {}), "ask"); same(Positions.decide(here, { fraction = 0.1 }, { behind = "never" }), "nothing")
    same(Positions.decide(here, { fraction = 0.1, at = "x" }, {}, "x"), "nothing")
    same(Positions.validated({ fraction = 0 / 0 }), nil); same(Positions.validated({ fraction = 1.5 }), nil); same(Positions.validated("x"), nil)
end)

local Backoff = require("tomesync/backoff")
test("back-off doubles, ends by the wall clock, survives a clock set back", function()
    local now = 0
    local b = Backoff.new(function() return now end)
    same(b:left(), 0); b:failed("x"); same(b:left(), 30); b:failed("x"); same(b:left(), 60)
    for _ = 1, 20 do b:failed("x") end
    same(b:left(), 3600); now = 3601; same(b:left(), 0); b:failed("refused"); now = 10; same(b:left(), 0)
    b:clear(); b:failed("refused"); same(b:left(), 3600)
end)

local Queue = require("tomesync/queue")
local function line(n) return ('{"id":"%08d-0000-4000-8000-000000000000","n":%d}'):format(n, n) end
local function idOf(n) return line(n):match('"id":"([^"]+)') end
local dir = os.tmpname(); os.remove(dir)
local function readable() return true end
test("a queue keeps order over restarts and drops only what came back", function()
    local q = Queue.new(dir, lfs, 10)
    for n = 1, 25 do q:append(line(n)) end
    same(q:count(), 25)
    q = Queue.new(dir, lfs, 10) -- a restart in the middle of a segment
    same(q:count(), 25)
    q:append(line(26))
    local names, complete = q:oldest(20)
    same(#names, 2); same(complete, false)
    local lines, held = Queue.read(dir, names, 400, 1e6, readable)
    same(#lines, 20); same(lines[1].id, idOf(1)); same(held[names[1]].waiting, 10)
    q:drop(names[1]); q:dropPart(names[2], { idOf(11), idOf(12) })
    same(q:count(), 14)
    q = Queue.new(dir, lfs, 10)
    same(q:count(), 14)
    local all
    names, all = q:oldest(1000)
    same(all, true)
    lines = Queue.read(dir, names, 400, 1e6, readable)
    same(#lines, 14); same(lines[1].id, idOf(13)); same(lines[14].id, idOf(26))
end)
test("what is appended while a batch is under way stays", function()
    local q = Queue.new(dir, lfs, 10)
    local names = q:oldest(1000)
    q:append(line(27))
    for _, name in ipairs(names) do q:drop(name) end
    same(q:count(), 1)
    same(Queue.new(dir, lfs, 10):count(), 1)
end)
test("a year offline: 10,000 events are appended without ever being rewritten", function()
    local q = Queue.new(dir .. "-year", lfs)
    for n = 1, 10000 do q:append(line(n)) end
    same(q:count(), 10000)
    local sent = 0
    while q:count() > 0 do
        local names = q:oldest(400)
        local lines = Queue.read(dir .. "-year", names, 400, 1e6, readable)
        sent = sent + #lines
        for _, name in ipairs(names) do q:drop(name) end
    end
    same(sent, 10000)
end)

local Answers = require("tomesync/answers")
local cjson = require("cjson.safe")
test("answers are believed only as far as they make sense", function()
    local asked = { a = true, b = true }
    local function judge(body, status) return Answers.sync(cjson.decode, status or 200, body, asked, 1) end
    for _, body in ipairs{ "", "<html>", "12", "null", "[]", "{}", '{"service":null,"results":null}', '{"service":"tomed","results":null}', '{"service":"x","results":[]}' } do
        local answer, failure = judge(body)
        same(answer, nil); assert(failure.code)
    end
    local good = judge('{"service":"tomed","results":[null,{"id":"a","result":"accepted"},{"id":"z","result":"accepted"},{"id":"b","result":"maybe"},{"id":null}],"positions":[null,{"want":7},{"want":0,"position":null}]}')
    same(good.acknowledged.a, true); same(good.acknowledged.z, nil); same(good.acknowledged.b, nil); same(#good.positions, 1); same(good.positions[1].position, nil)
    for status, outcome in pairs{ [401] = "refused", [426] = "refused", [413] = "too_large", [302] = "failed", [500] = "failed" } do
        local _, failure = judge('{"detail":null}', status)
        same(failure.outcome, outcome)
    end
end)

local UUID = require("tomesync/uuid")
test("ids are version 4 and differ", function()
    local a, b = UUID.new(), UUID.new()
    assert(a ~= b and a:match("^%x+%-%x+%-4%x+%-[89ab]%x+%-%x+$") and #a == 36)
end)

for _, extra in ipairs{ "templates_spec", "history_spec", "calibre_list_spec", "clock_spec" } do
    local path = arg[0]:match("^(.*)/") .. "/" .. extra .. ".lua"
    if lfs.attributes(path) then dofile(path)(test, same) end
end
os.execute("rm -rf '" .. dir .. "' '" .. dir .. "-year'")
os.exit(failures == 0 and 0 or 1)
