-- The device around the plugin: boots, opens books, turns pages, sleeps. Events come in the orders that were recorded
-- in the running KOReader. A scenario gets this as S.
local K = require("kernel")
local S = require("modules")
local lfs = require("lfs")

-- Handlers, tasks and taps, each with its time by the clock and of the processor. What runs without the loop looking at
-- input in between adds up to one time of being busy.
local busy = { ms = 0, longest = 0 }
local function timed(kind, name, f, ...)
    local t0, cpu0 = K.mono(), K.cpu()
    local ok, err = xpcall(f, debug.traceback, ...)
    local cpu_ms = (K.cpu() - cpu0) * 1000
    busy.ms = busy.ms + cpu_ms
    busy.longest = math.max(busy.longest, busy.ms)
    S.log{ type = kind, name = name, ms = math.floor((K.mono() - t0) * 10000) / 10, cpu_ms = math.floor(cpu_ms * 100) / 100 }
    if not ok then
        S.log{ type = "lua_error", where = name, error = tostring(err), fatal = kind == "task" }
    end
    return ok
end

local ran = 0
--- KOReader's loop for some virtual seconds; real time passes only while a child lives.
function S.run(seconds)
    local till = K.uptime() + (seconds or 0)
    while true do
        table.sort(S.tasks, function(a, b) return a.at < b.at end)
        local task, now = S.tasks[1], K.uptime()
        if task and task.at <= now then
            table.remove(S.tasks, 1)
            ran = ran + 1
            local info = debug.getinfo(task.action, "S")
            timed("task", info.short_src:match("[^/]*$") .. ":" .. info.linedefined, function() task.action(unpack(task.args, 1, task.n)) end)
        elseif now >= till then
            busy.ms = 0
            return
        elseif K.childrenAlive() then
            busy.ms = 0
            K.sleep(0.002)
        else
            busy.ms = 0
            K.clock_offset = K.clock_offset + math.max(0.0001, math.min(task and task.at or till, till) - now)
        end
    end
end
--- Milliseconds of the longest time the loop did not look at input.
function S.longest_busy() return math.floor(busy.longest * 100) / 100 end
--- Until no child is left (and what its end caused is done).
function S.settle(most)
    local till = K.mono() + (most or 30)
    repeat S.run(0.05) until not K.childrenAlive() or K.mono() > till
    S.run(0.05)
end

--- An event to the plugin, as KOReader's sandbox delivers it.
function S.send(name, ...)
    local plugin, args, n = S.plugin, { ... }, select("#", ...)
    local f = plugin and plugin["on" .. name]
    if f then
        timed("handler", "on" .. name, function() f(plugin, unpack(args, 1, n)) end)
    end
end

local function instance(ui)
    ui.menu = { registerToMainMenu = function(_, plugin) S.menu_owner = plugin end }
    timed("init", ui.document and "reader" or "filemanager", function()
        S.plugin = S.class:new{ ui = ui, document = ui.document }
    end)
    S.ui = ui
    ui.tomesync = S.plugin
end

local function fileManager()
    instance{ handleEvent = function() end, file_chooser = { path = S.home .. "/books" } }
    S.send("SetDimensions"); S.send("PathChanged", S.home); S.send("Show")
    if S.world.connected then S.send("NetworkConnected") end
end

--- Starts KOReader with the plugin of a folder.
function S.boot(plugin_dir)
    G_reader_settings.data.home_dir = S.home .. "/books"
    for _, dir in ipairs{ "", "/settings", "/sidecars", "/books" } do lfs.mkdir(S.home .. dir) end
    local path = package.path
    package.path = plugin_dir .. "/?.lua;" .. path
    S.class = dofile(plugin_dir .. "/main.lua")
    S.class.path = plugin_dir
    fileManager()
end

--- book: { file, md5, pages, kind = "rolling"|"paging", props, points = { { xpointer, text }, … } }; the file need not exist.
local function documentOf(book)
    local points = book.points or {}
    local D = { file = book.file, page = 1, pages = book.pages or #points }
    local function point(n) return points[n] or { ("/body/DocFragment[%d]/body/p[%d]/text().0"):format(math.ceil(n / 10), n), "Text of page " .. n .. " that goes on and on for a while" } end
    function D:getPageCount() return self.pages end
    function D:getCurrentPage() return self.page end
    function D:getXPointer() return point(self.page)[1] end
    function D:getPageXPointer(n) return n <= self.pages and point(n)[1] or nil end
    function D:getTextFromXPointers(from)
        for n = 1, self.pages do if point(n)[1] == from then return point(n)[2] end end
    end
    local function pageOf(xp)
        local plain = xp:gsub("%[1%]", "")
        for n = 1, D.pages do if (point(n)[1]:gsub("%[1%]", "")) == plain then return n end end
        return book.known and book.known[xp]
    end
    function D:isXPointerInDocument(xp) return pageOf(xp) ~= nil end
    function D:getVisiblePageNumberCount() return book.shown or 1 end
    D.pageOf = pageOf
    return D
end

local function goTo(ui, n)
    n = math.max(1, math.min(ui.document.pages, n))
    ui.document.page = n
    if ui.paging then ui.paging.current_page = n end
    S.send("PageUpdate", n)
end

local function readerUi(book, page)
    local ui = { document = documentOf(book), doc_props = book.props or {}, book = book }
    ui.document.page = page
    ui.doc_settings = S.openStore(S.sidecar(book.file))
    if book.md5 then ui.doc_settings:saveSetting("partial_md5_checksum", book.md5) end
    ui.link = { stack = {} }
    function ui.link:addCurrentLocationToStack() table.insert(self.stack, ui.document.page) end
    function ui:getCurrentPage() return self.document.page end
    function ui:handleEvent(event)
        if event.name == "GotoPercent" then S.log{ type = "goto", percent = event.args[1] }; goTo(self, math.floor(event.args[1] / 100 * self.document.pages + 0.5))
        elseif event.name == "GotoPage" then S.log{ type = "goto", page = event.args[1] }; goTo(self, event.args[1])
        elseif event.name == "GoBackLink" then local n = table.remove(self.link.stack); if n then S.log{ type = "back", page = n }; goTo(self, n) end end
    end
    if book.kind == "paging" then
        ui.paging = { current_page = page, getLastPercent = function() return ui.document.page / ui.document.pages end }
    else
        ui.rolling = { nb_partial_rerenderings = 0, getLastPercent = function() return ui.document.page / ui.document.pages end }
        function ui.rolling:onGotoXPointer(xp) S.log{ type = "goto", xpointer = xp }; goTo(ui, ui.document.pageOf(xp) or 1) end
    end
    return ui
end

local function openReader(book)
    local page = book.at or S.openStore(S.sidecar(book.file)).data.last_page or 1
    local ui = readerUi(book, page)
    instance(ui)
    S.send("DocSettingsLoad", ui.doc_settings, ui.document); S.send("ReadSettings", ui.doc_settings); S.send("PreRenderDocument", ui.doc_settings)
    if book.kind == "paging" and page > 1 then
        ui.document.page = page - 1; S.send("PageUpdate", page - 1); ui.document.page = page -- transient pages were seen
    end
    S.send("PageUpdate", page); S.send("ScrollSettingsUpdated")
    S.send("ReaderReady", ui.doc_settings)
    S.send("PageUpdate", page); S.send("Show")
end

local function closeReader()
    local ui = S.ui
    S.send("CloseDocument")
    ui.doc_settings:saveSetting("last_page", ui.document.page)
    ui.doc_settings:saveSetting("percent_finished", ui.document.page / ui.document.pages)
    S.send("FlushSettings"); S.send("SaveSettings")
    ui.doc_settings:flush()
    ui.document = nil
    S.send("CloseWidget")
end

function S.open(book)
    if S.ui.document then
        S.send("CloseConfigMenu"); closeReader() -- the next file from within the reader
    else
        S.send("ShowingReader"); S.send("SaveSettings"); S.send("FlushSettings"); S.send("SaveSettings"); S.send("CloseWidget")
    end
    openReader(book)
    S.run(0.5)
end
function S.close_book() closeReader(); fileManager(); S.run(0.5) end
--- n turns, each page open for some seconds after it.
function S.turn(n, seconds)
    for _ = 1, n or 1 do
        S.send("PageChangeAnimation", true)
        goTo(S.ui, S.ui.document.page + 1)
        S.run(seconds or 20)
    end
end
function S.jump(page) goTo(S.ui, page) end
--- Another font in a small book: re-rendered at once.
function S.font(pages)
    local d = S.ui.document
    local fraction = d.page / d.pages
    d.pages = pages
    goTo(S.ui, math.max(1, math.floor(fraction * pages + 0.5)))
    S.send("DocumentRerendered")
end
--- Another font in a big one: drawn in parts, then the document is closed and opened again by KOReader itself.
function S.reload(pages)
    local ui = S.ui
    local book = setmetatable({ pages = pages or ui.document.pages, points = {}, at = math.max(1, math.floor(ui.document.page / ui.document.pages * (pages or ui.document.pages) + 0.5)) }, { __index = ui.book })
    ui.rolling.nb_partial_rerenderings = ui.rolling.nb_partial_rerenderings + 1
    S.send("DocumentPartiallyRerendered", true)
    goTo(ui, ui.document.page + 1)
    S.send("CloseConfigMenu"); S.send("PreserveCurrentSession"); closeReader(); openReader(book); S.run(0.5)
end
--- Kobo-like: the network goes before the event comes.
function S.suspend(seconds)
    if not S.world.keeps_network then
        S.send("NetworkDisconnecting"); S.world.connected = false; S.send("NetworkDisconnected")
    end
    S.send("FlushSettings"); S.send("SaveSettings"); S.send("Suspend")
    S.run(3)
    K.asleep = K.asleep + (seconds or 0)
end
function S.resume() S.send("Resume"); S.run(2) end
function S.net(up)
    if up then S.send("NetworkConnecting"); S.world.connected = true; S.send("NetworkConnected")
    else S.send("NetworkDisconnecting"); S.world.connected = false; S.send("NetworkDisconnected") end
    S.run(3)
end
function S.exit() -- the loop ends at once: what is scheduled never runs
    S.send("Exit")
    if S.ui.document then closeReader() else S.send("FlushSettings"); S.send("CloseWidget") end
    S.tasks = {}
    S.ended = true
end
S.crash = K.crash
function S.clock_error(seconds) K.wall_error = seconds end
function S.fork_fails(fails) K.fork_fails = fails end

-- The person -----------------------------------------------------------------------------------------------------
local function textOf(item) return item.text_func and item.text_func() or item.text end
function S.menu()
    local items = {}
    S.plugin:addToMainMenu(items)
    return items.tomesync
end
function S.find(path)
    local item = S.menu()
    for part in path:gmatch("[^>]+") do
        part = part:gsub("^%s+", ""):gsub("%s+$", "")
        local list, found = item.sub_item_table or item.sub_item_table_func and item.sub_item_table_func() or {}, nil
        for _, candidate in ipairs(list) do
            if tostring(textOf(candidate)):find(part, 1, true) then found = candidate; break end
        end
        if not found then return nil end
        item = found
    end
    return item
end
function S.tap(path)
    local item = S.find(path)
    if not item then S.log{ type = "menu_missing", path = path }; return false end
    return timed("tap", path, function() item.callback({ updateItems = function() end }) end)
end
function S.top() return S.windows[#S.windows] end
function S.texts()
    local list = {}
    for i, w in ipairs(S.windows) do list[i] = w.text or w.title or "" end
    return list
end
--- Answers the topmost ConfirmBox, presses a button by its text, or types into an input first.
function S.answer(what, typed)
    local w = S.top()
    if not w then S.log{ type = "answer_missing" }; return end
    if typed then w.typed = typed end
    if w.class == "ConfirmBox" then
        S.UIManager:close(w)
        local f = what and w.ok_callback or not what and w.cancel_callback
        if f then timed("tap", tostring(what), f) end
        return
    end
    for _, row in ipairs(w.buttons or {}) do
        for _, button in ipairs(row) do
            if button.text and button.text:find(what, 1, true) then timed("tap", what, button.callback); return end
        end
    end
    S.log{ type = "answer_missing", want = what }
end
--- Selects an entry of the topmost list by its text, or holds it.
function S.select(text, how)
    local w = S.top()
    for _, item in ipairs(w and w.item_table or {}) do
        if item.text and item.text:find(text, 1, true) then
            timed("tap", text, function()
                if how == "hold" then w:onMenuHold(item) elseif w.onMenuSelect then w:onMenuSelect(item) else item.callback() end
            end)
            return true
        end
    end
    S.log{ type = "select_missing", want = text }
    return false
end
function S.dump(what) S.log{ type = "dump", what = what, standby = S.standby, texts = S.texts() } end

-- The server's control panel, over a socket of its own.
function S.server(mode, delay)
    local host, port = S.server_url:match("^http://([^:/]+):(%d+)")
    local body = ('{"mode":"%s","delay":%g}'):format(mode, delay or 8)
    local c = require("socket").tcp()
    c:settimeout(5)
    assert(c:connect(host, tonumber(port)))
    c:send(("POST /__ctl HTTP/1.0\r\ncontent-length: %d\r\n\r\n%s"):format(#body, body))
    c:receive("*a")
    c:close()
end
return S
