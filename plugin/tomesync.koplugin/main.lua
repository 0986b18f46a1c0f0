--[[
TomeSync: the events KOReader sends and the menu entry, nothing else.

Handlers note and return: what was read goes into a queue on disk, and a child process takes it to the server
(tomesync/worker, tomesync/sync). No handler returns true, except those of our own gestures.
]]

local taken_over = require("tomesync_start").check()
if taken_over then
    return taken_over -- an update came in, or was taken back: another main.lua than this one
end

local Dispatcher = require("dispatcher")
local WidgetContainer = require("ui/widget/container/widgetcontainer")
local Browse = require("tomesync/browse")
local Chronicle = require("tomesync/chronicle")
local Menu = require("tomesync/menu")
local Messages = require("tomesync/messages")
local Offers = require("tomesync/offers")
local Reading = require("tomesync/reading")
local Removal = require("tomesync/removal")
local Settings = require("tomesync/settings")
local Sync = require("tomesync/sync")
local ThisBook = require("tomesync/thisbook")
local Toasts = require("tomesync/toasts")
local Updater = require("tomesync/updater")
local _ = require("gettext")
require("tomesync/pairing") -- its entries put themselves into the menu

local TomeSync = WidgetContainer:extend{
    name = "tomesync",
    is_doc_only = false,
    settings_file = Settings.file,
}

Menu.insert()

Sync.on_offer = function(entry, token)
    Offers.consider(entry, token)
    ThisBook.recognised()
end
Sync.on_idle = Chronicle.consider
Sync.on_refused = function(answer, server)
    Toasts.show(Messages.failure(answer, server))
end

function TomeSync:init()
    Reading.start()
    Updater.watch()
    self:onDispatcherRegisterActions()
    self.ui.menu:registerToMainMenu(self)
    if not self.ui.document then
        Reading.abandonPreserved()
        Sync.schedule(Sync.after_open_s)
    end
end

function TomeSync:addToMainMenu(menu_items)
    menu_items.tomesync = Menu.entry(self.ui)
end

function TomeSync:onDispatcherRegisterActions()
    Dispatcher:registerAction("tomesync_sync", { category = "none", event = "TomeSyncSync", title = _("TomeSync: sync now"), general = true })
    Dispatcher:registerAction("tomesync_pending", { category = "none", event = "TomeSyncPending", title = _("TomeSync: pending"), general = true })
    Dispatcher:registerAction("tomesync_browse", {
        category = "none", event = "TomeSyncBrowse", title = _("TomeSync: browse series"), general = true,
    })
    Dispatcher:registerAction("tomesync_rest", {
        category = "none", event = "TomeSyncRest", title = _("TomeSync: download the rest of the series"), reader = true,
    })
end

function TomeSync:onTomeSyncSync()
    Menu.syncNow()
    return true
end

function TomeSync:onTomeSyncPending()
    Menu.showPending()
    return true
end

function TomeSync:onTomeSyncBrowse()
    Browse.allSeries()
    return true
end

function TomeSync:onTomeSyncRest()
    ThisBook.restOfSeries()
    return true
end

function TomeSync:onReaderReady()
    Reading.opened(self.ui)
    self.is_ready = true
    Sync.schedule(Sync.after_open_s)
end

local function pageChanged(self)
    if self.is_ready and Reading.pageChanged(self.ui) then
        Sync.schedule(Sync.after_turn_s, true)
    end
end

function TomeSync:onPageUpdate(page)
    if page then
        pageChanged(self)
    end
end

-- Scroll mode tells every place; only another page is a turn.
function TomeSync:onPosUpdate(_pos, page)
    if page ~= self.last_page then
        self.last_page = page
        pageChanged(self)
    end
end

function TomeSync:onDocumentRerendered()
    if self.is_ready then
        Reading.rerendered(self.ui)
    end
end

function TomeSync:onPreserveCurrentSession()
    Reading.preserve()
end

function TomeSync:onEndOfBook()
    ThisBook.ended()
end

function TomeSync:onCloseDocument()
    Reading.closed(self.ui)
end

function TomeSync:onSuspend()
    Reading.suspended()
end

function TomeSync:onResume()
    Reading.resumed()
    Sync.schedule(Sync.after_open_s)
end

function TomeSync:onNetworkConnected()
    Sync.connected()
end

function TomeSync:onCloseWidget()
    self.is_ready = false
    Sync.unschedule()
    Chronicle.unschedule()
    Updater.unschedule()
end

--- KOReader's plugin manager: "delete settings", and "delete plugin and settings" when our files are gone already.
function TomeSync:deletePluginSettings()
    Removal.run()
end

return TomeSync
