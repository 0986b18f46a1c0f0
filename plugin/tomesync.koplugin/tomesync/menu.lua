--- The entry "TomeSync" under Tools, in the reader and in the file browser.
local ConfirmBox = require("ui/widget/confirmbox")
local InfoMessage = require("ui/widget/infomessage")
local InputDialog = require("ui/widget/inputdialog")
local NetworkMgr = require("ui/network/manager")
local UIManager = require("ui/uimanager")
local Messages = require("tomesync/messages")
local Offers = require("tomesync/offers")
local Reading = require("tomesync/reading")
local Settings = require("tomesync/settings")
local Sync = require("tomesync/sync")
local Toasts = require("tomesync/toasts")
local T = require("ffi/util").template
local _ = require("gettext")
local version = require("tomesync/version")

local Menu = {}

--- Puts our id after "calibre" in KOReader's two menu orders. They are shared tables: once per process.
function Menu.insert()
    for _i, module in ipairs{ "ui/elements/reader_menu_order", "ui/elements/filemanager_menu_order" } do
        local ok, order = pcall(require, module)
        local tools = ok and type(order) == "table" and order.tools
        if type(tools) == "table" then
            local position
            for i, id in ipairs(tools) do
                if id == "tomesync" then
                    position = nil
                    break
                elseif id == "calibre" then
                    position = i + 1
                end
            end
            if position then
                table.insert(tools, position, "tomesync")
            end
        end
    end
end

local function inform(text)
    UIManager:show(InfoMessage:new{ text = text })
end

local function notReady()
    if Settings.server() == nil then
        return _("No server is set. Enter its address under Settings, or download the plugin from the server: then it is set already.")
    end
    return _("This device has no key yet. Download the plugin from the server's page: then the key is in it.")
end

--- Syncs because a person asked, and says how it went. May raise Wi-Fi, as KOReader's own settings say.
function Menu.syncNow()
    if not Settings.isReady() then
        inform(notReady())
        return
    end
    NetworkMgr:runWhenConnected(function()
        Toasts.show(_("Syncing…"))
        Sync.now(function(answer, server)
            if answer.ok then
                local waiting = Reading.queue:count()
                Toasts.show(waiting == 0 and _("Synced.") or T(_("Synced, %1 are still waiting."), waiting))
            elseif answer.code ~= "cancelled" and answer.code ~= "preempted" then
                inform(Messages.failure(answer, server))
            end
        end)
    end)
end

local function pendingText()
    return T(_("Pending (%1)"), Reading.queue:count())
end

--- What waits, and how the last attempt went.
function Menu.showPending()
    local lines = { T(_("%1 events wait for the server (%2 KB). They are kept until it has them."), Reading.queue:count(),
        math.ceil(Reading.queue:size() / 1024)) }
    if Reading.queue.failed then
        lines[#lines + 1] = _("The last event could not be written: is the disk full?")
    end
    local last = Sync.last_success
    lines[#lines + 1] = last and T(_("Last synced: %1"), os.date("%Y-%m-%d %H:%M", last)) or _("Not synced since KOReader started.")
    if Sync.last and not Sync.last.ok then
        lines[#lines + 1] = Messages.failure(Sync.last, Settings.server() or "?")
    end
    local left = Sync.backoff:left()
    if left > 0 then
        lines[#lines + 1] = T(_("Next attempt in %1 min."), math.ceil(left / 60))
    end
    inform(table.concat(lines, "\n"))
end

--- Asks for a line of text. keep: called with it.
function Menu.ask(title, value, hint, keep)
    local dialog
    dialog = InputDialog:new{
        title = title, input = value or "", input_hint = hint,
        buttons = { {
            { text = _("Cancel"), id = "close", callback = function() UIManager:close(dialog) end },
            { text = _("Save"), is_enter_default = true, callback = function()
                local text = dialog:getInputText()
                UIManager:close(dialog)
                keep(text)
            end },
        } },
    }
    UIManager:show(dialog)
    dialog:onShowKeyboard()
end

local function askServers()
    Menu.ask(_("Addresses of the server, tried in this order"), table.concat(Settings.get("servers") or {}, " "), "http://192.168.1.2:8080",
        function(text)
            local servers = {}
            for url in text:gmatch("%S+") do
                servers[#servers + 1] = url:match("^https?://") and url or "http://" .. url
            end
            Settings.set("servers", servers)
            Settings.server_index = nil
            Sync.backoff:clear()
        end)
end

local function serverText()
    return T(_("Server: %1"), Settings.server() or _("none"))
end

local function choice(name, value, text)
    return {
        text = text, radio = true,
        checked_func = function() return Settings.get(name) == value end,
        callback = function() Settings.set(name, value) end,
    }
end

local function policyMenu(name)
    return { choice(name, "silent", _("Go there and say so")), choice(name, "ask", _("Ask")), choice(name, "never", _("Stay here")) }
end

local function idleMenu()
    local items = {}
    for _i, minutes in ipairs{ 5, 10, 15, 30 } do
        items[#items + 1] = choice("idle_cap_s", minutes * 60, T(_("%1 minutes"), minutes))
    end
    items[#items + 1] = choice("idle_cap_s", 0, _("Off: count everything"))
    return items
end

--- Further settings, likewise: functions -> list of items.
Menu.settings_groups = {}

local function settingsMenu()
    local list = {
        { text = _("Server is ahead"), sub_item_table = policyMenu("ahead"),
          help_text = _("What happens when a book is opened and another device has read further.") },
        { text = _("Server is behind"), sub_item_table = policyMenu("behind"),
          help_text = _("What happens when a book is opened and the newest place, from another device, is further back.") },
        { text = _("Longest time for one page"), sub_item_table = idleMenu(),
          help_text = _("A page that lies open for longer counts only this long as reading.") },
        { text = _("Sync status and rating"), checked_func = function() return Settings.get("sync_status") end,
          callback = function() Settings.set("sync_status", not Settings.get("sync_status")) end,
          help_text = _("Finished, on hold and the stars are told to the server, and taken over from it when a book is opened.") },
        { text = _("Device name"), keep_menu_open = true,
          help_text = _("How this device is called in your statistics."),
          callback = function()
              Menu.ask(_("Device name"), Settings.get("device_name"), Sync.device().name, function(text)
                  Settings.set("device_name", text)
              end)
          end },
        { text_func = serverText, keep_menu_open = true, callback = askServers,
          help_text = _("One or several addresses with blanks between them; the next one is tried when one does not answer.") },
        { text = _("CA file"), keep_menu_open = true,
          help_text = _("The path of a PEM file, when the server's certificate is your own. With it the certificate is verified."),
          callback = function()
              Menu.ask(_("CA file"), Settings.get("ca_file"), "/mnt/onboard/ca.pem", function(text) Settings.set("ca_file", text) end)
          end },
    }
    for _i, group in ipairs(Menu.settings_groups) do
        for _j, item in ipairs(group()) do
            list[#list + 1] = item
        end
    end
    return list
end

local function about()
    local text = _("TomeSync %1\nDevice: %2 (%3)\nServer: %4\n\nWhat you read travels in the background; without a network it waits here.")
    inform(T(text, version, Sync.device().name, Settings.deviceId(), Settings.server() or _("none")))
end

--- Further groups of entries, put there by the modules that bring them: functions (is_reader) -> list of items.
Menu.groups = {}

local function items(ui)
    local list = {
        { text = _("Sync now"), callback = Menu.syncNow, help_text = _("Tells the server what was read and asks it for the newest place.") },
        { text_func = pendingText, keep_menu_open = true, callback = Menu.showPending,
          help_text = _("Reading that the server has not got yet. It stays on this device until the server has it.") },
    }
    if ui.document then
        list[#list + 1] = { text = _("Back to where I was"), enabled_func = Offers.canUndo, callback = Offers.undo,
            help_text = _("Takes back the last move to another device's place.") }
    end
    list[#list].separator = true
    for _i, group in ipairs(Menu.groups) do
        for _j, item in ipairs(group(ui)) do
            list[#list + 1] = item
        end
    end
    list[#list + 1] = { text = _("Settings"), sub_item_table_func = settingsMenu }
    list[#list + 1] = { text_func = serverText, keep_menu_open = true, callback = askServers }
    list[#list + 1] = { text = _("About"), keep_menu_open = true, callback = about }
    return list
end

--- The entry itself.
function Menu.entry(ui)
    return { text = _("TomeSync"), sorting_hint = "tools", sub_item_table_func = function() return items(ui) end }
end

--- Asks before something that can't be taken back.
function Menu.confirm(text, ok_text, callback)
    UIManager:show(ConfirmBox:new{ text = text, ok_text = ok_text, ok_callback = callback })
end

return Menu
