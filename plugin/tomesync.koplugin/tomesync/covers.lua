--- The cover of a book or of a series' next book, shown when a person asks for it: loaded by a child, kept for a month.
local ImageViewer = require("ui/widget/imageviewer")
local InfoMessage = require("ui/widget/infomessage")
local NetworkMgr = require("ui/network/manager")
local UIManager = require("ui/uimanager")
local Http = require("tomesync/http")
local Messages = require("tomesync/messages")
local Settings = require("tomesync/settings")
local Worker = require("tomesync/worker")
local _ = require("gettext")
local lfs = require("libs/libkoreader-lfs")

local Covers = {}

Covers.most_kept, Covers.kept_s = 200, 30 * 86400

local function folder()
    return Settings.folder .. "/covers"
end

local endings = { ["image/jpeg"] = ".jpg", ["image/png"] = ".png" }

local function cached(book)
    for _i, ending in pairs(endings) do
        local path = folder() .. "/" .. book.uuid .. ending
        local made = lfs.attributes(path, "modification")
        if made and math.abs(os.time() - made) < Covers.kept_s then
            return path
        end
    end
end

-- The oldest go when there are too many.
local function prune(path)
    local list = {}
    for name in lfs.dir(path) do
        if name ~= "." and name ~= ".." then
            list[#list + 1] = { path = path .. "/" .. name, made = lfs.attributes(path .. "/" .. name, "modification") or 0 }
        end
    end
    table.sort(list, function(a, b) return a.made > b.made end)
    for i = Covers.most_kept + 1, #list do
        os.remove(list[i].path)
    end
end

--- The child: job.url is the cover's, job.stem the path it is kept under without its ending.
-- Returns { ok, path } or why not; what is no picture that KOReader shows counts as none.
function Covers.fetch(job, http)
    local status, body, headers = http.request{
        url = job.url, token = job.token, ca_file = job.ca_file, block_s = 10, total_s = 30, headers = { accept = "image/jpeg, image/png" },
    }
    if not status then
        return { ok = false, code = "unreachable", detail = body }
    elseif status == 401 or status == 403 then
        return { ok = false, code = "key" }
    elseif status ~= 200 and status ~= 404 then
        return { ok = false, code = "status", status = status }
    end
    local ending = status == 200 and endings[(headers["content-type"] or ""):match("^[^;%s]+")]
    if not ending or #body == 0 then
        return { ok = false, code = "no_cover" }
    end
    lfs.mkdir(job.folder)
    local file, err = io.open(job.stem .. ".part", "wb")
    local written = file and file:write(body) and file:flush()
    if file then
        file:close()
    end
    if not written or not os.rename(job.stem .. ".part", job.stem .. ending) then
        return { ok = false, code = "folder", detail = tostring(err) }
    end
    prune(job.folder)
    return { ok = true, path = job.stem .. ending }
end

local function view(book, path)
    UIManager:show(ImageViewer:new{ file = path, title_text = book.title, with_title_bar = true, fullscreen = true })
end

local function load(book)
    Worker.cancel("cover")
    Worker.submit{
        name = "cover", urgent = true, deadline_s = 40, answer_file = Settings.folder .. "/answer-cover",
        url = ("%s/api/v1/books/%s/cover?size=large"):format(Settings.server(), book.uuid), token = Settings.get("token"),
        ca_file = Settings.get("ca_file") ~= "" and Settings.get("ca_file") or nil,
        folder = folder(), stem = folder() .. "/" .. book.uuid,
        run = function(job)
            return Covers.fetch(job, Http)
        end,
        done = function(answer)
            if answer.ok then
                view(book, answer.path)
            elseif answer.code == "no_cover" then
                UIManager:show(InfoMessage:new{ text = _("This book has no cover.") })
            elseif answer.code ~= "cancelled" then
                UIManager:show(InfoMessage:new{ text = Messages.failure(answer, Settings.server() or "?") })
            end
        end,
    }
end

--- Shows the cover of a book ({ uuid, title }), at once when it is kept here.
function Covers.show(book)
    local path = cached(book)
    if path then
        view(book, path)
    elseif Settings.isReady() then
        NetworkMgr:runWhenConnected(function()
            load(book)
        end)
    end
end

return Covers
