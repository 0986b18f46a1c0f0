--- A new version of the plugin, offered by the server: loaded, checked and laid ready by a child. It comes in at the
--- next start of KOReader (see tomesync_start.lua), never under the feet of the running one.
local Answers = require("tomesync/answers")
local Start = require("tomesync_start")

local Updates = {}

Updates.most_bytes = 2 * 1024 * 1024

--- Is version a newer than b? Numbers between dots are compared as numbers.
function Updates.isNewer(a, b)
    local function parts(text)
        local list = {}
        for number in tostring(text):gmatch("%d+") do
            list[#list + 1] = tonumber(number)
        end
        return list
    end
    local x, y = parts(a), parts(b)
    for i = 1, math.max(#x, #y) do
        if (x[i] or 0) ~= (y[i] or 0) then
            return (x[i] or 0) > (y[i] or 0)
        end
    end
    return false
end

--- Names an update may bring: nothing outside the plugin, not what it was set up with, not the way back.
function Updates.isAllowed(name)
    return name == "main.lua" or name == "_meta.lua" or name:match("^tomesync/[%w_]+%.lua$") ~= nil
end

local function get(job, path, http)
    return http.request{
        url = job.url .. "/api/v1" .. path, token = job.token, ca_file = job.ca_file, block_s = 15, total_s = 60,
        most_bytes = Updates.most_bytes,
    }
end

local function bad(detail)
    return { ok = false, code = "bad_update", detail = detail }
end

-- Every file compiles and the ones that matter are there; nil when all is well.
local function fault(files, compile)
    if type(files) ~= "table" then
        return "no files"
    end
    for name, text in pairs(files) do
        if type(name) ~= "string" or type(text) ~= "string" or not Updates.isAllowed(name) then
            return "name " .. tostring(name)
        end
        local code, err = compile(text, "@" .. name)
        if not code then
            return tostring(err)
        end
    end
    for _, name in ipairs{ "main.lua", "_meta.lua", "tomesync/version.lua" } do
        if not files[name] then
            return "no " .. name
        end
    end
end

-- READY is written last: without it nobody touches what lies there.
local function layReady(files, lfs)
    local folder = Start.root .. "/update"
    Start.remove(folder)
    lfs.mkdir(folder)
    lfs.mkdir(folder .. "/tomesync")
    files.READY = "whole\n"
    local function put(name)
        local file = io.open(folder .. "/" .. name, "wb")
        local done = file and file:write(files[name]) and file:flush()
        if file then
            file:close()
        end
        return done
    end
    for name in pairs(files) do
        if name ~= "READY" and not put(name) then
            Start.remove(folder)
            return false
        end
    end
    return put("READY")
end

--- job: { url, token, ca_file, version, only_look }. Returns { ok, version, is_newer, is_ready } or why not.
function Updates.run(job, http, json, sha256, lfs)
    local status, body = get(job, "/plugin", http)
    if not status then
        return { ok = false, code = "unreachable", detail = body }
    end
    local offer, failure = Answers.judge(json.decode, status, body)
    if not offer then
        failure.ok = false
        return failure
    elseif offer.service ~= "tomed" or type(offer.version) ~= "string" or type(offer.sha256) ~= "string" then
        return { ok = false, code = "not_tomed" }
    end
    if not Updates.isNewer(offer.version, job.version) or job.only_look then
        return { ok = true, version = offer.version, is_newer = Updates.isNewer(offer.version, job.version) }
    end
    status, body = get(job, "/plugin/files", http)
    if status ~= 200 then
        return { ok = false, code = status and "status" or "unreachable", status = status, detail = body }
    elseif sha256(body):lower() ~= offer.sha256:lower() then
        return bad("checksum")
    end
    local bundle = Answers.object(json.decode, body)
    local wrong = bundle and fault(bundle.files, loadstring) or not bundle and "no bundle"
    if wrong then
        return bad(wrong)
    elseif not layReady(bundle.files, lfs) then
        return { ok = false, code = "folder", detail = Start.root }
    end
    return { ok = true, version = offer.version, is_newer = true, is_ready = true }
end

return Updates
