--- When the history is sent: in the background after a sync that left nothing waiting, now and then.
local DataStorage = require("datastorage")
local NetworkMgr = require("ui/network/manager")
local UIManager = require("ui/uimanager")
local History = require("tomesync/history")
local Http = require("tomesync/http")
local Menu = require("tomesync/menu")
local Messages = require("tomesync/messages")
local Settings = require("tomesync/settings")
local Sync = require("tomesync/sync")
local Times = require("tomesync/times")
local Toasts = require("tomesync/toasts")
local Worker = require("tomesync/worker")
local T = require("ffi/util").template
local _ = require("gettext")
local lfs = require("libs/libkoreader-lfs")
local logger = require("logger")
local rapidjson = require("rapidjson")

--- Not again for a quarter of an hour, or a minute when there was nothing: KOReader writes its statistics late.
local Chronicle = { every_s = 900, after_nothing_s = 60 }

local function database()
    return DataStorage:getSettingsDir() .. "/statistics.sqlite3"
end

local function markFile()
    return Settings.folder .. "/history_mark"
end

local function readMark()
    local file = io.open(markFile(), "r")
    local rowid, count = (file and file:read("*l") or ""):match("^(%d+) (%d+)$")
    if file then
        file:close()
    end
    return rowid and { rowid = tonumber(rowid), count = tonumber(count) } or nil
end

local function writeMark(mark)
    local file = io.open(markFile(), "w")
    if file then
        file:write(("%d %d\n"):format(mark.rowid, mark.count))
        file:close()
    end
end

local function openReadOnly(path)
    return require("lua-ljsqlite3/init").open(path, "ro")
end

local continue

local function ended(answer, by_person)
    if type(answer.mark) == "table" and tonumber(answer.mark.rowid) and tonumber(answer.mark.count) then
        writeMark(answer.mark)
    end
    Chronicle.pause_s = (tonumber(answer.sent) or 0) > 0 and Chronicle.every_s or Chronicle.after_nothing_s
    Chronicle.sent = (Chronicle.sent or 0) + (tonumber(answer.sent) or 0)
    if answer.ok and answer.more then
        Chronicle.goes_on = by_person and "person" or "by itself"
        UIManager:scheduleIn(2, continue)
        return
    end
    Chronicle.goes_on = nil
    if not answer.ok then
        Chronicle.pause_s = Chronicle.every_s
    end
    if answer.status == 404 then
        Chronicle.is_unknown = true -- an older server: not asked again before KOReader starts anew
    end
    if by_person then
        Toasts.show(answer.ok and T(_("Reading history sent: %1 pages."), Chronicle.sent)
            or answer.status == 404 and _("This server takes no reading history.") or Messages.failure(answer, Settings.server() or "?"))
    end
    Chronicle.sent = 0
end

local function submit(by_person)
    Chronicle.last_at = os.time()
    Worker.submit{
        name = "history", deadline_s = 300, answer_file = Settings.folder .. "/answer-history",
        file = database(), mark = readMark(), url = Settings.server(), token = Settings.get("token"), device = Sync.device(),
        ca_file = Settings.get("ca_file") ~= "" and Settings.get("ca_file") or nil, now = Times.format(os.time()),
        run = function(job)
            return History.run(job, Http, rapidjson, openReadOnly)
        end,
        done = function(answer)
            ended(answer, by_person)
        end,
    }
end

continue = function()
    local ok, err = pcall(function()
        if Chronicle.goes_on and Settings.isReady() and NetworkMgr:isConnected() and not Worker.isBusy("history") then
            submit(Chronicle.goes_on == "person")
        end
    end)
    if not ok then
        logger.warn("tomesync:", err)
    end
end

local later

local function consider()
    if not Settings.get("sync_history") or Chronicle.is_unknown or Chronicle.goes_on or Worker.isBusy("history")
            or not Settings.isReady() or not NetworkMgr:isConnected() or lfs.attributes(database(), "mode") ~= "file" then
        return
    end
    local left = (Chronicle.last_at or 0) + (Chronicle.pause_s or 0) - os.time()
    if left <= 0 or left > Chronicle.every_s then
        submit(false)
    else
        UIManager:unschedule(later)
        UIManager:scheduleIn(left, later)
    end
end

later = function()
    local ok, err = pcall(consider)
    if not ok then
        logger.warn("tomesync:", err)
    end
end

--- Nothing else waits: it is time for the history now, or in a while.
Chronicle.consider = later

--- For onCloseWidget: the next window considers anew.
function Chronicle.unschedule()
    UIManager:unschedule(later)
end

--- A person wants it now.
function Chronicle.now()
    if lfs.attributes(database(), "mode") ~= "file" then
        Toasts.show(_("KOReader has no reading statistics here."))
        return
    end
    NetworkMgr:runWhenConnected(function()
        if Settings.isReady() and not Worker.isBusy("history") then
            Toasts.show(_("Sending the reading history…"))
            submit(true)
        end
    end)
end

Menu.settings_groups[#Menu.settings_groups + 1] = function()
    return {
        { text = _("Send reading history"), checked_func = function() return Settings.get("sync_history") end,
          callback = function() Settings.set("sync_history", not Settings.get("sync_history")) end,
          help_text = _("What KOReader's own statistics know of the years before, page by page. Sent in the background, once.") },
        { text = _("Send reading history now"), keep_menu_open = true, callback = Chronicle.now,
          help_text = _("Begins where the last time ended.") },
    }
end

return Chronicle
