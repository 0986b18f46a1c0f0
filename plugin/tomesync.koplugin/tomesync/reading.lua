--- The book that is open: turns KOReader's events into sittings, positions and status changes. Module-level, because a
--- reload (another font in a big book) makes a new plugin instance and is no new sitting.
--- Nothing here talks to the network.
local Clock = require("tomesync/clock")
local Events = require("tomesync/events")
local Journal = require("tomesync/journal")
local Paths = require("tomesync/paths")
local Place = require("tomesync/place")
local Queue = require("tomesync/queue")
local Settings = require("tomesync/settings")
local Status = require("tomesync/status")
local Tracker = require("tomesync/tracker")
local UUID = require("tomesync/uuid")
local lfs = require("libs/libkoreader-lfs")
local rapidjson = require("rapidjson")
local time = require("ui/time")

local Reading = { sent_serial = 0 }

local clock = {
    wall = os.time,
    steady = function()
        -- Counts sleep, unlike the clock KOReader schedules by: some devices doze between two page turns.
        return time.to_number((time.boottime_or_realtime_coarse or time.now)())
    end,
}

-- Of the boot that the device is in; another one has another name, and its time since boot began anew.
local function bootId()
    local file = io.open("/proc/sys/kernel/random/boot_id", "r")
    local id = file and file:read("*l")
    if file then
        file:close()
    end
    return id and id:match("^[%x%-]+$")
end

local function newClock()
    -- Where the system has no clock that counts sleep, KOReader gives others under its names.
    local has_boottime = time.boottime_or_realtime_coarse and time.boottime_or_monotonic ~= time.monotonic
    return Clock.new({
        wall = os.time, since_boot = has_boottime and clock.steady or nil, boot_id = bootId(), era = UUID.new,
    }, Settings.folder .. "/clock")
end

--- Once per process: the queue, the clockwork, and the sitting that a crash left behind.
function Reading.start()
    if Reading.queue then
        return
    end
    lfs.mkdir(Settings.folder)
    Reading.queue = Queue.new(Settings.folder .. "/queue", lfs)
    Reading.paths = Paths.new(Settings.folder .. "/paths")
    Reading.tracker = Tracker.new(clock, UUID.new)
    Reading.clock = newClock()
    Reading.journal = Journal.new(Settings.folder .. "/sitting", rapidjson.encode, rapidjson.decode)
    local sitting, book, stamp = Reading.journal:recover()
    if sitting and Tracker.isWorthKeeping(sitting) then
        Reading.queue:append(Events.session(rapidjson.encode, sitting, book, stamp))
    end
    Reading.journal:close(true)
end

local function idleCap()
    local cap = tonumber(Settings.get("idle_cap_s"))
    return cap and cap > 0 and cap or nil
end

local function beginSitting(place)
    local sitting = Reading.tracker:begin(place, idleCap())
    Reading.journal:start(sitting, os.time(), Reading.book, Reading.clock:stamp())
end

-- Within a page (scroll mode) places are not followed one by one: here is the last one.
local function refresh()
    local ui, sitting = Reading.ui, Reading.tracker.sitting
    local place = ui and sitting and Place.now(ui)
    if place and place.page == sitting.place.page and place.total == sitting.place.total then
        sitting.place, Reading.place = place, place
    end
end

-- Ends the sitting: first into the queue, then off the journal. Dying in between sends the same id twice at worst.
local function endSitting()
    refresh()
    local sitting = Reading.tracker:finish()
    if not sitting then
        return
    end
    local ui = Reading.ui
    if ui and ui.document and sitting.moved then
        sitting.place.text = Place.textAfter(ui, sitting.place)
    end
    local encode = rapidjson.encode
    if Tracker.isWorthKeeping(sitting) then
        Reading.queue:append(Events.session(encode, sitting, Reading.book, Reading.clock:stamp()))
    elseif sitting.moved then
        local at, stamp = sitting.last_activity_at, Reading.clock:stamp()
        Reading.queue:append(Events.position(encode, UUID.new(), at, sitting.place, Reading.book, stamp))
    end
    Reading.journal:close(true)
    Reading.sent_serial = Reading.tracker.serial
end

local function noteStatus(ui)
    if not Settings.get("sync_status") or not ui.doc_settings then
        return
    end
    local news = Status.changed(ui.doc_settings)
    if news then
        local stamp = Reading.clock:stamp()
        Reading.queue:append(Events.status(rapidjson.encode, UUID.new(), os.time(), news.status, news.rating, Reading.book, stamp))
    end
end

local function factsOf(ui)
    local doc_settings = ui.doc_settings
    local props = ui.doc_props
    if type(props) ~= "table" then
        props = doc_settings:readSetting("doc_props")
    end
    return {
        file = ui.document.file, props = type(props) == "table" and props or nil,
        partial_md5 = doc_settings:readSetting("partial_md5_checksum"),
        book_uuid = doc_settings:readSetting("tomesync_book_uuid"),
    }
end

-- Big books are re-rendered chapter by chapter while they are drawn; each time KOReader tells the page's new number.
local function partialRenderings(ui)
    return ui.rolling and ui.rolling.nb_partial_rerenderings
end

--- A document is ready. Page events before this are KOReader's own finding its place.
function Reading.opened(ui)
    local place = not Reading.has_left and Place.now(ui)
    if not place then
        return
    end
    local is_reload = Reading.preserved and Reading.tracker:isOpen() and Reading.file == ui.document.file
    Reading.preserved = false
    if not is_reload then
        endSitting()
    end
    Reading.ui, Reading.file, Reading.place = ui, ui.document.file, place
    Reading.book = Events.book(factsOf(ui))
    Reading.paths:note(Reading.book, Reading.file)
    Reading.renderings = partialRenderings(ui)
    if is_reload then
        Reading.tracker:rebase(place)
        return
    end
    Reading.match = nil
    beginSitting(place)
    Reading.wanted = true
    Reading.opened_serial = Reading.tracker.serial
end

--- The page on screen may be another one. Returns true when the reader turned, went back or jumped.
function Reading.pageChanged(ui)
    if ui ~= Reading.ui or not Reading.tracker:isOpen() then
        return false
    end
    local place = Place.now(ui)
    if not place then
        return false
    end
    Reading.place = place
    local renderings = partialRenderings(ui)
    if Reading.moving or renderings ~= Reading.renderings then
        Reading.renderings = renderings
        Reading.tracker:rebase(place)
        return false
    end
    local how = Reading.tracker:moved(place)
    if how then
        Reading.clock:look()
        Reading.journal:note(Reading.tracker.sitting, os.time())
    end
    return how ~= nil
end

function Reading.rerendered(ui)
    local place = ui == Reading.ui and Place.now(ui)
    if place then
        Reading.place = place
        Reading.tracker:rerendered(place)
    end
end

--- KOReader is about to close and open the same document by itself.
function Reading.preserve()
    Reading.preserved = true
end

function Reading.closed(ui)
    if ui ~= Reading.ui then
        return
    end
    noteStatus(ui)
    if not Reading.preserved then
        endSitting()
        Reading.wanted = false
    end
    Reading.ui = nil
end

--- The file browser is back: whatever KOReader wanted to preserve, it did not open it again.
function Reading.abandonPreserved()
    if Reading.preserved then
        Reading.preserved = false
        endSitting()
        Reading.wanted = false
    end
end

function Reading.suspended()
    if Reading.ui then
        noteStatus(Reading.ui)
    end
    endSitting()
    Reading.clock:sleeps()
end

--- The plugin is taken off: the sitting ends, and from now on nothing is noted.
function Reading.leave()
    Reading.suspended()
    Reading.ui, Reading.wanted, Reading.preserved, Reading.has_left = nil, false, false, true
end

function Reading.resumed()
    Reading.clock:wakes()
    local ui = Reading.ui
    local place = ui and not Reading.tracker:isOpen() and Place.now(ui)
    if place then
        beginSitting(place)
        Reading.wanted, Reading.opened_serial = true, Reading.tracker.serial
    end
end

--- What a sync takes along besides the queue: the place reached, if the server has not got it yet, and the wish to
--- hear where other readers are. `everything` asks for the place although pages were turned (a person wants it).
function Reading.forSync(everything)
    local ui, tracker = Reading.ui, Reading.tracker
    local extra, want, token = {}, {}, nil
    if not ui or not ui.document or not tracker:isOpen() then
        return extra, want
    end
    noteStatus(ui)
    refresh()
    local sitting = tracker:snapshot()
    local serial = tracker.serial
    if sitting.moved and serial ~= Reading.sent_serial then
        if Reading.position_serial ~= serial then
            Reading.position_serial, Reading.position_id = serial, UUID.new()
        end
        local place = sitting.place
        place.text = Place.textAfter(ui, place)
        local id = Reading.position_id
        extra[1] = { id = id, line = Events.position(rapidjson.encode, id, sitting.last_activity_at, place, Reading.book) }
    end
    if Reading.wanted or everything then
        want[1] = Reading.book
        token = { file = Reading.file, serial = serial, sitting = sitting.id, may_move = everything or serial == Reading.opened_serial }
    end
    return extra, want, token, serial
end

--- Is there anything to tell or ask?
function Reading.hasNews()
    local tracker = Reading.tracker
    return Reading.queue:count() > 0
        or Reading.ui ~= nil and tracker:isOpen() and (Reading.wanted or tracker.sitting.moved and tracker.serial ~= Reading.sent_serial)
end

--- The server has the position of this serial.
function Reading.positionSent(serial)
    Reading.sent_serial = math.max(Reading.sent_serial, serial)
end

--- May the place that was asked for with this token still be gone to? Only where nobody turned a page since.
function Reading.mayMove(token)
    local tracker = Reading.tracker
    return token ~= nil and token.may_move and Reading.ui ~= nil and Reading.ui.document ~= nil and not Reading.preserved
        and Reading.file == token.file and tracker:isOpen() and tracker.serial == token.serial and tracker.sitting.id == token.sitting
end

--- Goes to a position of the server; the page changes this causes are not the reader's.
function Reading.moveTo(position)
    local ui = Reading.ui
    Reading.moving = true
    local ok, err = pcall(Place.go, ui, position)
    Reading.moving = false
    local place = Place.now(ui)
    if place then
        Reading.place = place
        Reading.tracker:rebase(place)
    end
    return ok, err
end

return Reading
