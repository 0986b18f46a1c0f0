--- What a person set, in the plugin's own file; what the zip was made for comes first when it changes.
local DataStorage = require("datastorage")
local LuaSettings = require("luasettings")
local UUID = require("tomesync/uuid")
local defaults = require("tomesync_defaults")

local Settings = {}

Settings.file = DataStorage:getSettingsDir() .. "/tomesync.lua"
--- Folder of the queue, the open sitting and other things that change often.
Settings.folder = DataStorage:getSettingsDir() .. "/tomesync"

--- Every setting with what it is before anybody touches it.
Settings.initial = {
    ahead = "silent", behind = "ask", idle_cap_s = 600, sync_status = true, device_name = "", ca_file = "",
    folder_template = "{kind}/{series}", name_template = "{index:00} - {title}", formats = "EPUB CBZ PDF FB2 MOBI AZW3",
    download_folder = "", sync_history = true, enabled = true, collection = false, offer_next = true,
}

local function store()
    if not Settings.data then
        Settings.data = LuaSettings:open(Settings.file)
        local made_for = (defaults.server or "") .. "\n" .. (defaults.token or "")
        if defaults.server and Settings.data:readSetting("made_for") ~= made_for then
            -- A zip that was installed later was installed on purpose.
            Settings.data:saveSetting("made_for", made_for)
            Settings.data:saveSetting("servers", { defaults.server })
            Settings.data:saveSetting("token", defaults.token)
            if defaults.device_name and defaults.device_name ~= "" then
                Settings.data:saveSetting("device_name", defaults.device_name)
            end
        end
    end
    return Settings.data
end

function Settings.get(name)
    local value = store():readSetting(name)
    if value == nil then
        return Settings.initial[name]
    end
    return value
end

--- Only for what a person chose in a menu: it is written at once (and that costs an fsync).
function Settings.set(name, value)
    store():saveSetting(name, value)
    store():flush()
end

--- The address that is tried first, without a slash at its end; nil when there is none.
function Settings.servers()
    local list = {}
    for _, url in ipairs(Settings.get("servers") or {}) do
        if type(url) == "string" and url:match("^https?://[^/%s]") then
            list[#list + 1] = (url:gsub("/+$", ""))
        end
    end
    return list
end

function Settings.server()
    local servers = Settings.servers()
    return servers[Settings.server_index or 1] or servers[1]
end

--- After a failure: the next address of the list has its turn.
function Settings.tryNextServer()
    local n = #Settings.servers()
    Settings.server_index = n > 0 and (Settings.server_index or 1) % n + 1 or nil
end

function Settings.isReady()
    local token = Settings.get("token")
    return Settings.get("enabled") and Settings.server() ~= nil and type(token) == "string" and token ~= ""
end

--- Made once and kept in a file of its own: the server tells devices apart by it, never by their model.
function Settings.deviceId()
    if Settings.device_id then
        return Settings.device_id
    end
    local path = Settings.folder .. "/device_id"
    local file = io.open(path, "r")
    local id = file and file:read("*l")
    if file then
        file:close()
    end
    if not id or not id:match("^[%x%-]+$") then
        id = UUID.new()
        file = io.open(path, "w")
        if file then
            file:write(id, "\n")
            file:close()
        end
    end
    Settings.device_id = id
    return id
end

--- Forgets everything a person set. Until KOReader starts anew there is no server, also not the one of the zip.
function Settings.reset()
    store().data = {}
    store():flush()
end

return Settings
