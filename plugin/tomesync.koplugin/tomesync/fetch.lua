--- The child's part of a download: into `….part`, resumed where it stopped, checked, then renamed. Never on the final
--- name before it is whole.
local lfs = require("libs/libkoreader-lfs")

local Fetch = {}

local function sizeOf(path)
    return lfs.attributes(path, "mode") == "file" and lfs.attributes(path, "size") or nil
end

local function readLine(path)
    local file = io.open(path, "r")
    local line = file and file:read("*l")
    if file then
        file:close()
    end
    return line
end

local function writeLine(path, line)
    local file = io.open(path, "w")
    if file then
        file:write(line, "\n")
        file:close()
    end
end

local function makeFolders(path)
    local made = path:sub(1, 1) == "/" and "" or "."
    for part in path:match("^(.*)/"):gmatch("[^/]+") do
        made = made .. "/" .. part
        if lfs.attributes(made, "mode") == nil then
            lfs.mkdir(made)
        end
    end
    return lfs.attributes(path:match("^(.*)/"), "mode") == "directory"
end

-- A sink that says why the disk does not take more.
local function fileSink(file, state)
    return function(chunk)
        if chunk then
            local ok, err = file:write(chunk)
            if not ok then
                state.disk = tostring(err)
                return nil, "disk"
            end
        end
        return 1
    end
end

local function forget(part)
    os.remove(part)
    os.remove(part .. ".tag")
end

-- KOReader's fingerprint of a file, by which the server knows it again.
local function fingerprint(path)
    local ok, md5 = pcall(function()
        return require("util").partialMD5(path)
    end)
    return ok and md5 or nil
end

local function failure(status)
    if status == 404 then
        return { ok = false, code = "gone" }
    elseif status == 401 or status == 403 then
        return { ok = false, code = "key" }
    end
    return { ok = false, code = "status", status = status }
end

local function headOf(job, http)
    local status, detail, headers = http.request{
        method = "HEAD", url = job.url, token = job.token, ca_file = job.ca_file, block_s = 10, total_s = 20,
    }
    if not status then
        return nil, { ok = false, code = "unreachable", detail = detail }
    elseif status ~= 200 then
        return nil, failure(status)
    elseif not headers["etag"] or (headers["content-type"] or ""):find("text/html", 1, true) then
        return nil, { ok = false, code = "not_tomed" } -- a hotspot's page, which would be saved as a book
    end
    return headers
end

--- job: { url, token, ca_file, path }: path is where the file shall be. Returns { ok, path, size, md5 } or why not.
function Fetch.run(job, http)
    local part = job.path .. ".part"
    if not makeFolders(job.path) then
        return { ok = false, code = "folder", detail = job.path }
    end
    local head, why = headOf(job, http)
    if not head then
        return why
    end
    local tag, size = head["etag"], tonumber(head["content-length"])
    local have = sizeOf(part)
    if have and (readLine(part .. ".tag") ~= tag or (size and have > size)) then
        forget(part)
        have = nil
    end
    writeLine(part .. ".tag", tag)
    if not have or have ~= size then
        local state = {}
        local file, err = io.open(part, have and "ab" or "wb")
        if not file then
            return { ok = false, code = "folder", detail = tostring(err) }
        end
        local status, detail = http.request{
            url = job.url, token = job.token, ca_file = job.ca_file, block_s = 20, total_s = 24 * 3600, sink = fileSink(file, state),
            headers = { ["if-match"] = tag, ["range"] = have and ("bytes=%d-"):format(have) or nil },
        }
        -- On the card before it gets its name: a power loss must not leave a whole name on half a file.
        local flushed, why_not = file:flush()
        pcall(require("ffi/util").fsyncOpenedFile, file)
        file:close()
        state.disk = state.disk or not flushed and tostring(why_not) or nil
        if state.disk then
            return { ok = false, code = "disk_full", detail = state.disk }
        elseif not status then
            return { ok = false, code = "unreachable", detail = detail } -- the part stays and is gone on with
        elseif status ~= (have and 206 or 200) then
            forget(part) -- an error's text is in it, or the whole file behind its beginning
            if status == 412 or status == 200 or status == 416 then
                return { ok = false, code = "changed" }
            end
            return failure(status)
        end
    end
    local got = sizeOf(part)
    if size and got ~= size then
        if got and got > size then
            forget(part)
        end
        return { ok = false, code = "incomplete" }
    end
    local md5, told = fingerprint(part), head["x-partial-md5"]
    if told and md5 and told ~= md5 then
        forget(part)
        return { ok = false, code = "damaged" }
    end
    if not os.rename(part, job.path) then
        return { ok = false, code = "folder", detail = job.path }
    end
    os.remove(part .. ".tag")
    pcall(require("ffi/util").fsyncDirectory, job.path)
    return { ok = true, path = job.path, size = got, md5 = md5 }
end

return Fetch
