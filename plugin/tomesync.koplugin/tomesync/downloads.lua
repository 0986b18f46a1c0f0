--- Downloads, two files at once at most, each in a child: one window with progress and Cancel for all of them, that can be
--- sent to the background.
local ButtonDialog = require("ui/widget/buttondialog")
local Device = require("device")
local NetworkMgr = require("ui/network/manager")
local UIManager = require("ui/uimanager")
local Collections = require("tomesync/collections")
local Fetch = require("tomesync/fetch")
local Http = require("tomesync/http")
local Messages = require("tomesync/messages")
local Settings = require("tomesync/settings")
local Shelf = require("tomesync/shelf")
local Templates = require("tomesync/templates")
local Toasts = require("tomesync/toasts")
local Worker = require("tomesync/worker")
local T = require("ffi/util").template
local _ = require("gettext")
local lfs = require("libs/libkoreader-lfs")

local Downloads = { waiting = {}, running = {}, done = 0, failed = {}, arrived = {} }

--- A download that grows no more for this long is given up (and gone on with the next time).
Downloads.most_silence_s = 60
Downloads.most_at_once = Worker.lanes.files
local refresh_s = 3 -- an e-ink screen is not for counting bytes

--- Where downloads go: what was set, or KOReader's home folder.
function Downloads.folder()
    local folder = Settings.get("download_folder")
    if type(folder) == "string" and folder ~= "" then
        return (folder:gsub("/+$", ""))
    end
    return (G_reader_settings:readSetting("home_dir") or G_reader_settings:readSetting("lastdir") or Device.home_dir or "."):gsub("/+$", "")
end

local function isTaken(path)
    for _i, item in ipairs(Downloads.running) do
        if item.path == path then
            return true
        end
    end
    return lfs.attributes(path, "mode") ~= nil
end

--- The path a book gets; never one that another file has or is about to have.
function Downloads.pathFor(book, format)
    local facts = {
        kind = book.kind, series = book.series, index = book.index, title = book.title, authors = book.authors, format = format.format,
    }
    local path = Downloads.folder() .. "/" .. Templates.path(Settings.get("folder_template"), Settings.get("name_template"), facts)
    local stem, ext = path:match("^(.*)(%.[^./]+)$")
    local number = 2
    while isTaken(path) do
        path = ("%s (%d)%s"):format(stem, number, ext)
        number = number + 1
    end
    return path
end

-- Files and, where every size is known, the share of all their bytes.
local function progressText()
    local titles, bytes, here = {}, Downloads.bytes or 0, Downloads.bytes_done or 0
    for _i, item in ipairs(Downloads.running) do
        titles[#titles + 1] = item.book.title
        here = here + (lfs.attributes(item.path .. ".part", "size") or 0)
    end
    local share = bytes > 0 and (" · %d %%"):format(math.min(99, math.floor(here / bytes * 100))) or ""
    return T(_("Downloading: %1 of %2 done"), Downloads.done, Downloads.total) .. share .. "\n" .. table.concat(titles, "\n")
end

local function closeWindow()
    local window = Downloads.window
    Downloads.window = nil
    if window then
        UIManager:close(window)
    end
end

--- Shows how far it is; also to be called when the window was sent to the background.
function Downloads.show()
    if not Downloads.isBusy() or Downloads.window then
        return
    end
    Downloads.window = ButtonDialog:new{
        title = progressText(), dismissable = false,
        buttons = { {
            { text = _("Cancel"), callback = Downloads.cancel },
            { text = _("In the background"), callback = closeWindow },
        } },
    }
    UIManager:show(Downloads.window)
end

local function refreshFileManager()
    local ok, FileManager = pcall(require, "apps/filemanager/filemanager")
    if ok and type(FileManager) == "table" and FileManager.instance then
        FileManager.instance:onRefresh()
    end
end

local function finish()
    closeWindow()
    local failed, done, total, when_done = Downloads.failed, Downloads.done, Downloads.total, Downloads.when_done
    Downloads.failed, Downloads.done, Downloads.total, Downloads.bytes, Downloads.bytes_done, Downloads.when_done = {}, 0, 0, 0, 0, nil
    if done > 0 then
        if Settings.get("collection") then
            Collections.add(Downloads.arrived)
        end
        pcall(refreshFileManager)
    end
    Downloads.arrived = {}
    if failed[1] then
        Toasts.show(T(_("%1 of %2 downloaded. %3"), done, total, failed[1].text))
    elseif done > 0 then
        Toasts.show(done == 1 and _("Downloaded.") or T(_("%1 books downloaded."), done))
    end
    if when_done then
        when_done(done, failed)
    end
end

local function explain(answer)
    if answer.code == "disk_full" then
        return _("The disk is full. What was loaded so far is kept.")
    elseif answer.code == "folder" then
        return T(_("It can't be written to %1."), answer.detail or Downloads.folder())
    elseif answer.code == "gone" then
        return _("The library does not have this file any more.")
    elseif answer.code == "damaged" or answer.code == "changed" or answer.code == "incomplete" then
        return _("The file did not arrive whole. Try again.")
    elseif answer.code == "deadline" or answer.code == "unreachable" then
        return _("The line broke. Start it again: it goes on where it stopped.")
    elseif answer.code == "status" then
        return T(_("The server has a problem (%1). Try again later."), tostring(answer.status))
    end
    return Messages.failure(answer, Settings.server() or "?")
end

local fill

-- What ends one ends all: the others would fail alike.
local ends_all = { disk_full = true, folder = true, key = true, cannot_fork = true, cancelled = true }

local function ended(item, answer)
    for i, other in ipairs(Downloads.running) do
        if other == item then
            table.remove(Downloads.running, i)
            break
        end
    end
    if answer.ok then
        Downloads.done = Downloads.done + 1
        Shelf.add(item.book.uuid, item.path)
        table.insert(Downloads.arrived, { path = item.path, series = item.book.series })
    elseif (answer.code == "changed" or answer.code == "preempted") and not item.again then
        item.again = true -- the library has another file by now: once from its beginning
        table.insert(Downloads.waiting, 1, item)
        return fill()
    elseif answer.code ~= "cancelled" then
        Downloads.failed[#Downloads.failed + 1] = { book = item.book, text = explain(answer) }
    end
    Downloads.bytes_done = (Downloads.bytes_done or 0) + (item.format.size or 0)
    local is_offline = (answer.code == "unreachable" or answer.code == "deadline") and not NetworkMgr:isConnected()
    if ends_all[answer.code] or is_offline then
        Downloads.waiting = {}
    end
    fill()
end

-- Looks after one running file: given up when it grows no more.
local function watch(item)
    local size, now = lfs.attributes(item.path .. ".part", "size") or 0, os.time()
    local has_slept = now - (item.looked_at or now) > Downloads.most_silence_s / 2 -- nobody looked for so long
    item.looked_at = now
    if size ~= item.size_seen or has_slept then
        item.size_seen, item.grew_at = size, now
    elseif now - (item.grew_at or now) > Downloads.most_silence_s then
        item.stalled = true
        Worker.cancel(item.job)
        return
    end
    item.grew_at = item.grew_at or now
    if Downloads.window and now - (Downloads.shown_at or 0) >= refresh_s then
        Downloads.shown_at = now
        Downloads.window:setTitle(progressText())
    end
end

local function load(item)
    item.path = item.path or Downloads.pathFor(item.book, item.format)
    table.insert(Downloads.running, item)
    item.job = {
        name = "download", lane = "files", deadline_s = 24 * 3600, urgent = true,
        answer_file = Settings.folder .. "/answer-" .. item.book.uuid,
        url = ("%s/api/v1/books/%s/formats/%s"):format(Settings.server(), item.book.uuid, item.format.format),
        token = Settings.get("token"), ca_file = Settings.get("ca_file") ~= "" and Settings.get("ca_file") or nil, path = item.path,
        run = function(job)
            return Fetch.run(job, Http)
        end,
        progress = function()
            watch(item)
        end,
        done = function(answer)
            if item.stalled then
                answer = { ok = false, code = "deadline" }
            end
            ended(item, answer)
        end,
    }
    Worker.submit(item.job)
end

-- Keeps as many under way as may be; the last one that ends closes the books.
fill = function()
    while #Downloads.running < Downloads.most_at_once and Downloads.waiting[1] do
        load(table.remove(Downloads.waiting, 1))
    end
    if not Downloads.isBusy() and Downloads.total > 0 then
        finish()
    end
end

--- Ends the running downloads and forgets those that wait. What was loaded of them is kept for the next time.
function Downloads.cancel()
    Downloads.waiting = {}
    closeWindow()
    Worker.cancel("download")
end

function Downloads.isBusy()
    return Downloads.running[1] ~= nil or Downloads.waiting[1] ~= nil
end

local function isUnderWay(book)
    for _i, list in ipairs{ Downloads.running, Downloads.waiting } do
        for _j, item in ipairs(list) do
            if item.book.uuid == book.uuid then
                return true
            end
        end
    end
    return false
end

--- Downloads these books (each { uuid, title, formats, … }) that are not here yet. when_done(count, failed) afterwards.
-- Returns how many there are to load.
function Downloads.start(books, when_done)
    local fresh = {}
    for _i, book in ipairs(books) do
        local format = Templates.choose(Settings.get("formats"), book.formats)
        if format and not Shelf.find(book.uuid) and not isUnderWay(book) then
            fresh[#fresh + 1] = { book = book, format = format }
        end
    end
    if not fresh[1] then
        return 0
    end
    if not Downloads.isBusy() then
        Downloads.total, Downloads.done, Downloads.failed, Downloads.bytes, Downloads.bytes_done = 0, 0, {}, 0, 0
        Downloads.when_done = when_done
    end
    for _i, item in ipairs(fresh) do
        table.insert(Downloads.waiting, item)
        Downloads.total, Downloads.bytes = Downloads.total + 1, Downloads.bytes + (item.format.size or 0)
    end
    fill()
    Downloads.show()
    return #fresh
end

return Downloads
