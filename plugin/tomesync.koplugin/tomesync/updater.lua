--- The menu's part of an update: looks when a person asks, lays it ready, and asks for a restart.
local ConfirmBox = require("ui/widget/confirmbox")
local InfoMessage = require("ui/widget/infomessage")
local NetworkMgr = require("ui/network/manager")
local UIManager = require("ui/uimanager")
local Http = require("tomesync/http")
local Menu = require("tomesync/menu")
local Messages = require("tomesync/messages")
local Settings = require("tomesync/settings")
local Start = require("tomesync_start")
local Toasts = require("tomesync/toasts")
local Updates = require("tomesync/updates")
local Worker = require("tomesync/worker")
local T = require("ffi/util").template
local _ = require("gettext")
local lfs = require("libs/libkoreader-lfs")
local rapidjson = require("rapidjson")
local version = require("tomesync/version")

local Updater = { runs_after_s = 10 }

local function inform(text)
    UIManager:show(InfoMessage:new{ text = text })
end

local function ask(only_look, done)
    Worker.submit{
        name = "update", urgent = true, deadline_s = 120, answer_file = Settings.folder .. "/answer-update",
        url = Settings.server(), token = Settings.get("token"), version = version, only_look = only_look,
        ca_file = Settings.get("ca_file") ~= "" and Settings.get("ca_file") or nil,
        run = function(job)
            return Updates.run(job, Http, rapidjson, require("ffi/sha2").sha256, lfs)
        end,
        done = done,
    }
end

local function failed(answer)
    if answer.code == "bad_update" then
        inform(T(_("What the server sent is no whole plugin (%1). Nothing was changed."), answer.detail or "?"))
    elseif answer.code == "folder" then
        inform(T(_("It can't be written to %1."), answer.detail or "?"))
    elseif answer.status == 404 then
        inform(_("This server offers no updates: download the plugin from its page."))
    elseif answer.code ~= "cancelled" then
        inform(Messages.failure(answer, Settings.server() or "?"))
    end
end

local function install()
    Toasts.show(_("Loading the new version…"))
    ask(false, function(answer)
        if not answer.ok then
            failed(answer)
        elseif answer.is_ready then
            if UIManager.askForRestart then
                UIManager:askForRestart(_("The new version of TomeSync comes in when KOReader starts again."))
            else
                inform(_("The new version of TomeSync comes in when KOReader starts again."))
            end
        end
    end)
end

--- Is there a new version? Asks before it is loaded.
function Updater.look()
    if not Settings.isReady() then
        inform(_("Enter the server's address first."))
        return
    end
    NetworkMgr:runWhenConnected(function()
        ask(true, function(answer)
            if not answer.ok then
                failed(answer)
            elseif not answer.is_newer then
                inform(T(_("TomeSync %1 is the newest version."), version))
            else
                UIManager:show(ConfirmBox:new{
                    text = T(_("TomeSync %1 is there, this is %2. Load it?"), answer.version, version),
                    ok_text = _("Load"), ok_callback = install,
                })
            end
        end)
    end)
end

local function confirm()
    pcall(Start.confirm)
end

--- A new version that has run for a while is good; until then a start that fails brings the old one back.
function Updater.watch()
    if Start.was_taken_back then
        Start.was_taken_back = nil
        Toasts.show(_("The new version of TomeSync did not start; the one before is back."))
    end
    if Start.isOnTrial() then
        UIManager:unschedule(confirm)
        UIManager:scheduleIn(Updater.runs_after_s, confirm)
    end
end

function Updater.unschedule()
    UIManager:unschedule(confirm)
end

Menu.settings_groups[#Menu.settings_groups + 1] = function()
    return { { text = _("Check for updates"), keep_menu_open = true, callback = Updater.look,
        help_text = _("A newer plugin is loaded from your server, checked, and comes in at KOReader's next start. The old one is kept.") } }
end

return Updater
