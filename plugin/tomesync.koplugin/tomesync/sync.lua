--- When to sync, and what to do with the answer. The request itself happens in a child process (tomesync/exchange).
local Device = require("device")
local NetworkMgr = require("ui/network/manager")
local UIManager = require("ui/uimanager")
local Backoff = require("tomesync/backoff")
local CalibreList = require("tomesync/calibre_list")
local Exchange = require("tomesync/exchange")
local Http = require("tomesync/http")
local Reading = require("tomesync/reading")
local Settings = require("tomesync/settings")
local Text = require("tomesync/text")
local Times = require("tomesync/times")
local Worker = require("tomesync/worker")
local lfs = require("libs/libkoreader-lfs")
local logger = require("logger")
local rapidjson = require("rapidjson")
local version = require("tomesync/version")

local Sync = { backoff = Backoff.new(os.time), connections = 0 }

Sync.after_turn_s, Sync.after_open_s, Sync.after_connect_s = 12, 2, 1
--- How long one silence, one request and the whole child may take.
Sync.block_s, Sync.total_s, Sync.deadline_s = 10, 25, 40

--- Set by main.lua: what a person should see. told(answer, server) after a failure that needs a person,
--- offered(entry, token) with a position to consider.
Sync.on_refused = function() end
Sync.on_offer = function() end
--- Nothing waits any more: time for what is less urgent.
Sync.on_idle = function() end

--- How the server knows this device.
function Sync.device()
    local name = Text.orNil(Settings.get("device_name")) or Text.orNil(Device.model) or "KOReader"
    local ok, koreader = pcall(function()
        return require("version"):getShortVersion()
    end)
    return {
        id = Settings.deviceId(), name = Text.first(Text.valid(name), 100), model = Text.valid(tostring(Device.model or "")),
        koreader = ok and tostring(koreader) or "", plugin = version,
    }
end

local function caFile()
    return Text.orNil(Settings.get("ca_file"))
end

local function settle(answer, serial)
    local queue = Reading.queue
    for _, name in ipairs(answer.done or {}) do
        queue:drop(name)
    end
    for _, part in ipairs(answer.part or {}) do
        queue:dropPart(part.name, part.ids)
    end
    for _, name in ipairs(answer.aside or {}) do
        queue:setAside(name)
    end
    if serial and answer.acknowledged_extra and answer.acknowledged_extra[1] then
        Reading.positionSent(serial)
    end
end

local function finished(answer, context)
    Sync.last = answer
    if answer.ok then
        Sync.backoff:clear()
        Sync.last_success = os.time()
        settle(answer, context.serial)
        if context.token and answer.drained then
            Reading.wanted = false
            for _, entry in ipairs(answer.positions or {}) do
                Sync.on_offer(entry, context.token)
            end
        end
        if Reading.hasNews() then
            Sync.schedule(1)
        else
            Sync.on_idle()
        end
    elseif answer.code == "preempted" or answer.code == "cancelled" then
        Sync.schedule(5)
    elseif context.connections ~= Sync.connections then
        Sync.schedule(Sync.after_connect_s) -- it set out before the network came back: no verdict on what is there now
    elseif answer.code == "cannot_fork" then
        logger.warn("tomesync: no child process:", answer.detail)
    else
        if answer.code == "too_large" then
            Sync.most_events = answer.most_events or 1
        end
        if answer.code == "unreachable" or answer.code == "deadline" then
            Settings.tryNextServer()
        end
        Sync.backoff:failed(answer.outcome == "refused" and "refused" or answer.code)
        Sync.schedule(Sync.backoff:left())
        if answer.outcome == "refused" and not context.by_person then
            Sync.on_refused(answer, context.server)
        end
    end
    if context.done then
        context.done(answer, context.server)
    end
end

local function makeJob(by_person)
    local extra, want, token, serial = Reading.forSync(by_person)
    local segments, complete = Reading.queue:oldest(Sync.most_events or Exchange.most_events)
    return {
        name = "sync", deadline_s = Sync.deadline_s, answer_file = Settings.folder .. "/answer-sync", urgent = by_person or nil,
        dir = Reading.queue.dir, segments = segments, complete = complete, extra = extra, want = want,
        clock = Reading.clock:stamp(), device = Sync.device(), now = Times.format(os.time()), url = Settings.server(), token = Settings.get("token"),
        ca_file = caFile(), block_s = Sync.block_s, total_s = Sync.total_s, most_events = Sync.most_events,
        paths = Reading.paths.known, lists = function()
            return CalibreList.new(lfs.attributes, rapidjson, Settings.folder .. "/calibre-lists")
        end,
        run = function(job)
            return Exchange.run(job, Http, rapidjson)
        end,
    }, { token = token, serial = serial, server = Settings.server(), by_person = by_person, connections = Sync.connections }
end

--- Sends what there is, if one may. Never waits, never raises Wi-Fi.
function Sync.pump()
    if Worker.isBusy("sync") or Worker.cannot_fork or not Settings.isReady() or not Reading.hasNews()
            or not NetworkMgr:isConnected() then
        return
    end
    local left = Sync.backoff:left()
    if left > 0 then
        Sync.schedule(left)
        return
    end
    local job, context = makeJob(false)
    job.done = function(answer)
        finished(answer, context)
    end
    Worker.submit(job)
end

--- A person wants it now: whatever the back-off says. done(answer, server) is always called.
function Sync.now(done)
    Sync.backoff:clear()
    Worker.cancel("sync")
    local job, context = makeJob(true)
    context.done = done
    job.done = function(answer)
        if answer.code == "cannot_fork" then
            -- No background on this device: then the person waits a few seconds, as they asked for it.
            job.block_s, job.total_s, job.lists = 3, 8, nil
            local ok, result = pcall(job.run, job)
            answer = ok and result or { ok = false, code = "error", detail = tostring(result) }
        end
        finished(answer, context)
    end
    Worker.submit(job)
end

local function tick()
    Sync.due = nil
    local ok, err = pcall(Sync.pump) -- an error in a scheduled function would end KOReader
    if not ok then
        logger.warn("tomesync:", err)
    end
end

--- Syncs in some seconds, or sooner if that was planned already; `anew` forgets what was planned.
function Sync.schedule(seconds, anew)
    local due = os.time() + seconds
    if Sync.due and Sync.due <= due and Sync.due >= os.time() - 5 and not anew then
        return
    end
    Sync.unschedule()
    Sync.due = due
    UIManager:scheduleIn(seconds, tick)
end

function Sync.unschedule()
    UIManager:unschedule(tick)
    Sync.due = nil
end

--- The network is there (again): what failed before may work now.
function Sync.connected()
    Sync.backoff:clear()
    Worker.cannot_fork = false
    Sync.connections = Sync.connections + 1
    Sync.schedule(Sync.after_connect_s)
end

return Sync
