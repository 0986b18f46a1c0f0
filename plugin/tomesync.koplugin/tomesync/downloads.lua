--- Downloads, one file at a time in a child: a window with progress and Cancel that can be sent to the background.
local ButtonDialog = require("ui/widget/buttondialog")
local Device = require("device")
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

local Downloads = { waiting = {}, done = 0, failed = {}, arrived = {} }

--- A download that grows no more for this long is given up (and gone on with the next time).
Downloads.most_silence_s = 60
local refresh_s = 3 -- an e-ink screen is not for counting bytes

--- Where downloads go: what was set, or KOReader's home folder.
function Downloads.folder()
    local folder = Settings.get("download_folder")
    if type(folder) == "string" and folder ~= "" then
        return (folder:gsub("/+$", ""))
    end
    return (G_reader_settings:readSetting("home_dir") or G_reader_settings:readSetting("lastdir") or Device.home_dir or "."):gsub("/+$", "")
end

--- The path a book gets; never one that another file has.
function Downloads.pathFor(book, format)
    local facts = {
        kind = book.kind, series = book.series, index = book.index, title = book.title, authors = book.authors, format = format.format,
    }
    local path = Downloads.folder() .. "/" .. Templates.path(Settings.get("folder_template"), Settings.get("name_template"), facts)
    local stem, ext = path:match("^(.*)(%.[^./]+)$")
    local number = 2
    while lfs.attributes(path, "mode") do
        path = ("%s (%d)%s"):format(stem, number, ext)
        number = number + 1
    end
    return path
end

local function progressText(current)
    local size = lfs.attributes(current.path .. ".part", "size") or 0
    local whole = current.format.size
    local share = whole and whole > 0 and (" %d %%"):format(math.min(99, math.floor(size / whole * 100))) or ""
    return T(_("Downloading %1 of %2"), Downloads.done + #Downloads.failed + 1, Downloads.total) .. share .. "\n" .. current.book.title
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
    if not Downloads.current or Downloads.window then
        return
    end
    Downloads.window = ButtonDialog:new{
        title = progressText(Downloads.current), dismissable = false,
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
    Downloads.current, Downloads.failed, Downloads.done, Downloads.total, Downloads.when_done = nil, {}, 0, 0, nil
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

local startNext

local function ended(item, answer)
    if answer.ok then
        Downloads.done = Downloads.done + 1
        Shelf.add(item.book.uuid, item.path)
        table.insert(Downloads.arrived, { path = item.path, series = item.book.series })
    elseif answer.code == "cancelled" then
        Downloads.waiting = {}
    elseif (answer.code == "changed" or answer.code == "preempted") and not item.again then
        item.again = true -- the library has another file by now: once from its beginning
        table.insert(Downloads.waiting, 1, item)
    else
        Downloads.failed[#Downloads.failed + 1] = { book = item.book, text = explain(answer) }
        if answer.code == "disk_full" or answer.code == "folder" or answer.code == "key" then
            Downloads.waiting = {} -- the others would fail alike
        end
    end
    startNext()
end

local function watch(item)
    local size, now = lfs.attributes(item.path .. ".part", "size") or 0, os.time()
    if size ~= item.size_seen then
        item.size_seen, item.grew_at = size, now
    elseif now - (item.grew_at or now) > Downloads.most_silence_s then
        item.stalled = true
        Worker.cancel("download")
        return
    end
    item.grew_at = item.grew_at or now
    if Downloads.window and now - (item.shown_at or 0) >= refresh_s then
        item.shown_at = now
        Downloads.window:setTitle(progressText(item))
    end
end

startNext = function()
    local item = table.remove(Downloads.waiting, 1)
    Downloads.current = item
    if not item then
        finish()
        return
    end
    item.path = item.path or Downloads.pathFor(item.book, item.format)
    Worker.submit{
        name = "download", deadline_s = 24 * 3600, urgent = true, answer_file = Settings.folder .. "/answer-download",
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
end

--- Ends the running download and forgets those that wait. What was loaded of it is kept for the next time.
function Downloads.cancel()
    Downloads.waiting = {}
    closeWindow()
    Worker.cancel("download")
end

function Downloads.isBusy()
    return Downloads.current ~= nil
end

--- Downloads these books (each { uuid, title, formats, … }) that are not here yet. when_done(count, failed) afterwards.
-- Returns how many there are to load.
function Downloads.start(books, when_done)
    local fresh = {}
    for _i, book in ipairs(books) do
        local format = Templates.choose(Settings.get("formats"), book.formats)
        if format and not Shelf.find(book.uuid) then
            fresh[#fresh + 1] = { book = book, format = format }
        end
    end
    for _i, item in ipairs(fresh) do
        table.insert(Downloads.waiting, item)
    end
    if not fresh[1] then
        return 0
    end
    if Downloads.current then
        Downloads.total = Downloads.total + #fresh
    else
        Downloads.total, Downloads.done, Downloads.failed, Downloads.when_done = #fresh, 0, {}, when_done
        startNext()
    end
    Downloads.show()
    return #fresh
end

return Downloads
