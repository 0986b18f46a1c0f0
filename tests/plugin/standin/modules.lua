-- KOReader's modules as far as the plugin uses them, in as few lines as the recorded behaviour allows.
local K = require("kernel")
local cjson = require("cjson.safe").new()
local lfs = require("lfs")
cjson.encode_sparse_array(true, 2, 10)

local S = { world = { connected = true, model = "StandIn" }, records = {}, shown = {}, windows = {}, tasks = {}, standby = 0, plugins = {} }

function S.log(record)
    record.t = math.floor(K.uptime() * 1000) / 1000
    io.stdout:write(cjson.encode(record), "\n")
    io.stdout:flush()
end

local preload = package.preload
local function module(name, value) preload[name] = function() return value end end

-- JSON as rapidjson does it: errors in decode are values, in encode they are thrown, null is a userdata.
local function cleaned(v, depth)
    if type(v) == "number" and (v ~= v or v == math.huge or v == -math.huge) then error("number out of range") end
    if type(v) == "function" or type(v) == "cdata" then error("can't encode " .. type(v)) end
    if type(v) == "table" and depth < 50 then for _, x in pairs(v) do cleaned(x, depth + 1) end end
end
module("rapidjson", {
    encode = function(v) cleaned(v, 0); return assert(cjson.encode(v)) end,
    decode = function(text) return cjson.decode(text) end,
    null = cjson.null, array = function(t) return t or {} end,
})
module("libs/libkoreader-lfs", lfs)
module("ffi/util", K.ffiutil)
module("gettext", setmetatable({}, { __call = function(_, text) return text end }))
local function quiet() end
module("logger", { dbg = quiet, info = quiet, warn = function(...) S.log{ type = "warn", text = table.concat({ tostring((...)), tostring((select(2, ...))) }, " ") } end,
    err = function(...) S.log{ type = "warn", text = tostring((...)) } end })
module("version", { getShortVersion = function() return S.world.koreader or "v2026.03" end })
module("datastorage", { getSettingsDir = function() return S.home .. "/settings" end, getDataDir = function() return S.home end })
module("device", setmetatable({}, { __index = function(_, k)
    if k == "model" then return S.world.model end
    if k == "home_dir" then return S.home .. "/books" end
    return function() return false end
end }))
module("ui/network/manager", {
    isConnected = function() return S.world.connected end,
    isOnline = function() error("isOnline blocks for a DNS look-up") end,
    runWhenConnected = function(_, callback) if S.world.connected then callback() else S.log{ type = "wifi_asked" } end end,
})
local function boottime() return K.boottime() * 1e6 end
module("ui/time", {
    boottime_or_monotonic = boottime, boottime_or_realtime_coarse = boottime, monotonic = function() return K.uptime() * 1e6 end, now = function() return K.uptime() * 1e6 end,
    to_number = function(x) return x / 1e6 end, s = function(x) return x * 1e6 end,
})
module("dispatcher", { registerAction = function(_, name, action) S.actions = S.actions or {}; S.actions[name] = action end })
module("ui/elements/reader_menu_order", { tools = { "read_timer", "calibre", "exporter", "more_tools" } })
module("ui/elements/filemanager_menu_order", { tools = { "read_timer", "calibre", "exporter", "more_tools" } })
module("socketutil", (function()
    local http, socket = require("socket.http"), require("socket")
    local su, tcp = { block = 60, total = -1 }, require("socket").tcp
    function su:set_timeout(block, total) su.block, su.total, http.TIMEOUT = block, total, block end
    function su:reset_timeout() su.block, su.total, http.TIMEOUT = 60, -1, 60 end
    socket.tcp = function()
        local s = tcp()
        s:settimeout(su.block, "b"); s:settimeout(su.total, "t")
        return s
    end
    return su
end)())
local function safeFilename(name) return (name:gsub('[\\/:*?"<>|]', "_")) end
local util = {
    getSafeFilename = function(name) return safeFilename(name) end, fixUtf8 = function(text) return text end,
    makePath = function(path)
        local made = ""
        for part in path:gmatch("[^/]+") do made = made .. "/" .. part; lfs.mkdir(made) end
        return lfs.attributes(path, "mode") == "directory"
    end,
    diskUsage = function() return { available = S.world.disk_free } end,
    -- KOReader's own recipe: 1 KiB at 0 and at 1024 * 4^i
    partialMD5 = function(path) return S.partial_md5 and S.partial_md5(path) or nil end,
}
module("util", util)

local Event = { new = function(_, name, ...) return { handler = "on" .. name, name = name, args = { ... }, n = select("#", ...) } end }
module("ui/event", Event)

-- LuaSettings and DocSettings: JSON instead of Lua, the same methods.
local Store = {}
Store.__index = Store
function Store:readSetting(key, default)
    if self.data[key] == nil and default ~= nil then self.data[key] = default end
    return self.data[key]
end
function Store:saveSetting(key, value) self.data[key] = value; return self end
function Store:delSetting(key) self.data[key] = nil; return self end
function Store:has(key) return self.data[key] ~= nil end
function Store:isTrue(key) return self.data[key] == true end
function Store:flush()
    local f = assert(io.open(self.path, "w"))
    f:write(cjson.encode(self.data)); f:close()
    S.log{ type = "flush", file = self.path:match("[^/]+$") }
end
local function openStore(path)
    local f = io.open(path, "r")
    local data = f and cjson.decode(f:read("*a"))
    if f then f:close() end
    return setmetatable({ path = path, data = data or {} }, Store)
end
module("luasettings", { open = function(_, path) return openStore(path) end })
local function sidecar(file) return S.home .. "/sidecars/" .. file:gsub("[^%w]", "_") .. ".json" end
module("docsettings", {
    open = function(_, file) return openStore(sidecar(file)) end,
    hasSidecarFile = function(_, file) return lfs.attributes(sidecar(file), "mode") == "file" end,
})
module("ffi/sha2", { sha256 = function(text)
    local name = os.tmpname()
    local f = io.open(name, "wb"); f:write(text); f:close()
    local p = io.popen("sha256sum " .. name); local sum = p:read("*a"):match("^%x+"); p:close()
    os.remove(name)
    return sum
end })
module("apps/reader/readerui", { showReader = function(_, path) S.log{ type = "read", path = path } end })
module("apps/filemanager/filemanager", { instance = { onRefresh = function() S.log{ type = "refreshed" } end } })
G_reader_settings = setmetatable({ data = {}, path = "" }, Store) -- luacheck: ignore 111 112

-- Classes
local Class = {}
function Class:extend(o) o = o or {}; setmetatable(o, self); self.__index = self; return o end
function Class:new(o)
    o = self.extend(self, o)
    if o.init then o:init() end
    return o
end
local WidgetContainer = Class.extend(Class, {})
module("ui/widget/container/widgetcontainer", WidgetContainer)
local UIManager = {}
for name, file in pairs{ Notification = "notification", InfoMessage = "infomessage", ConfirmBox = "confirmbox", InputDialog = "inputdialog",
    ButtonDialog = "buttondialog", ImageViewer = "imageviewer", Menu = "menu", KeyValuePage = "keyvaluepage" } do
    local class = Class.extend(Class, { class = name })
    class.onGesture, class.onShowKeyboard = function() return false end, quiet
    function class:getInputText() return self.typed or self.input end
    function class:setTitle(title) self.title = title; S.log{ type = "retitled", widget = name, text = title } end
    function class:switchItemTable(title, items, number)
        self.title, self.item_table, self.itemnumber = title or self.title, items, number
        S.log{ type = "listed", widget = name, title = self.title, items = #items }
    end
    function class:updateItems() end
    function class:onClose() UIManager:close(self) end
    module("ui/widget/" .. file, class)
end

-- UIManager: a queue of tasks over a clock that jumps.
function UIManager:schedule(at, action, ...)
    assert(type(action) == "function")
    table.insert(S.tasks, { at = at, action = action, args = { ... }, n = select("#", ...) })
end
function UIManager:scheduleIn(seconds, action, ...)
    assert(seconds >= 0, "Only positive seconds allowed")
    self:schedule(K.uptime() + seconds, action, ...)
end
function UIManager:nextTick(action, ...) self:scheduleIn(0, action, ...) end
function UIManager:unschedule(action)
    for i = #S.tasks, 1, -1 do
        if S.tasks[i].action == action then table.remove(S.tasks, i) end
    end
end
function UIManager:preventStandby() S.standby = S.standby + 1 end
function UIManager:allowStandby()
    assert(S.standby > 0, "allowing standby that isn't prevented; you have an allow/prevent mismatch somewhere")
    S.standby = S.standby - 1
end
function UIManager:show(widget)
    table.insert(S.windows, widget)
    S.log{ type = "show", widget = widget.class, text = widget.text or widget.title, file = widget.file }
end
function UIManager:close(widget)
    for i = #S.windows, 1, -1 do
        if S.windows[i] == widget then table.remove(S.windows, i); if widget.close_callback then widget.close_callback() end end
    end
end
function UIManager:setDirty() end
function UIManager:getTime() return K.uptime() * 1e6 end
function UIManager:forceRePaint() end
function UIManager:broadcastEvent(event) S.send(event.name, unpack(event.args, 1, event.n)) end
function UIManager:sendEvent(event) S.send(event.name, unpack(event.args, 1, event.n)) end
function UIManager:askForRestart() S.log{ type = "restart_asked" } end
module("ui/uimanager", UIManager)
S.UIManager, S.Event, S.openStore, S.sidecar, S.json = UIManager, Event, openStore, sidecar, cjson
return S
