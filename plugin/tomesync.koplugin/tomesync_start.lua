--- Before anything else of the plugin is loaded: brings a new version in that lies ready, and takes it out again when
--- it did not come up. This file is never replaced, and at no moment is there no main.lua and no way back, so neither
--- a bad version nor a power loss in between can leave KOReader without the plugin.
--
--   update/        a new version, whole once update/READY is there
--   old/           the version before
--   update_trial   how often the new one was started without having said that it runs
local lfs = require("libs/libkoreader-lfs")

local Start = { root = debug.getinfo(1, "S").source:match("^@(.*)/[^/]+$") or "." }

local loose = { "main.lua", "_meta.lua" }

local function at(name)
    return Start.root .. "/" .. name
end

local function exists(name)
    return lfs.attributes(at(name), "mode") ~= nil
end

local function read(name)
    local file = io.open(at(name), "rb")
    local text = file and file:read("*a")
    if file then
        file:close()
    end
    return text
end

local function write(name, text)
    local file = io.open(at(name), "wb")
    if not file then
        return false
    end
    local done = file:write(text) and file:flush()
    file:close()
    return done and true or false
end

--- Removes a folder of ours with all that is in it.
function Start.remove(path)
    if lfs.attributes(path, "mode") == "directory" then
        for name in lfs.dir(path) do
            if name ~= "." and name ~= ".." then
                Start.remove(path .. "/" .. name)
            end
        end
        lfs.rmdir(path)
    else
        os.remove(path)
    end
end

local function move(from, to)
    if exists(from) then
        return os.rename(at(from), at(to)) and true or false
    end
    return false
end

-- The code's folder can be away only if the power went in the middle of a move.
local function mend()
    if not exists("tomesync") and not move("update/tomesync", "tomesync") then
        move("old/tomesync", "tomesync")
    end
end

local function bringIn()
    if exists("update/tomesync") then
        Start.remove(at("old"))
        lfs.mkdir(at("old"))
        for _, name in ipairs(loose) do
            write("old/" .. name, read(name) or "")
        end
        if not move("tomesync", "old/tomesync") then
            Start.remove(at("update"))
            return false
        end
        if not move("update/tomesync", "tomesync") then
            move("old/tomesync", "tomesync")
            Start.remove(at("update"))
            return false
        end
    end
    for _, name in ipairs(loose) do
        move("update/" .. name, name)
    end
    write("update_trial", "0")
    Start.remove(at("update"))
    return true
end

local function takeBack()
    if exists("old/tomesync") then
        Start.remove(at("failed"))
        lfs.mkdir(at("failed"))
        move("tomesync", "failed/tomesync")
        move("old/tomesync", "tomesync")
        for _, name in ipairs(loose) do
            move("old/" .. name, name)
        end
    end
    os.remove(at("update_trial"))
    Start.remove(at("failed"))
    Start.was_taken_back = true
end

--- To be called by main.lua first of all. Returns the plugin's class when another main.lua took over.
function Start.check()
    mend()
    if exists("update/READY") then
        if bringIn() then
            write("update_trial", "1")
            Start.is_on_trial = true -- the new main.lua asks here again
            return dofile(at("main.lua"))
        end
    elseif not Start.is_on_trial and exists("update_trial") then
        if (tonumber(read("update_trial")) or 1) >= 1 then
            takeBack()
            return dofile(at("main.lua"))
        end
        write("update_trial", "1")
    end
    return nil
end

--- The new version runs.
function Start.confirm()
    os.remove(at("update_trial"))
end

function Start.isOnTrial()
    return exists("update_trial")
end

return Start
