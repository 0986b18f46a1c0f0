--- The plugin is taken off the device: everything it keeps goes, but for readings that nobody else knows of.
---
--- KOReader may have deleted the plugin's files by now, and runs on until it is started anew. So all that is needed here
--- is loaded before, and nothing of ours writes any more afterwards.
local InfoMessage = require("ui/widget/infomessage")
local UIManager = require("ui/uimanager")
local Chronicle = require("tomesync/chronicle")
local Reading = require("tomesync/reading")
local Settings = require("tomesync/settings")
local Start = require("tomesync_start")
local Sync = require("tomesync/sync")
local Worker = require("tomesync/worker")
local T = require("ffi/util").template
local _ = require("gettext")
local lfs = require("libs/libkoreader-lfs")

local Removal = {}

--- What goes with readings that were not sent: the name under which the server knows the device that read them.
local of_readings = { queue = true, device_id = true }

-- Is there anything in the queue's folder that was not sent? Also what nobody could read was kept for a person.
local function holdsReadings(queue)
    if queue:count() > 0 then
        return true
    end
    for name in lfs.dir(queue.dir) do
        if name:match("%.unreadable$") then
            return true
        end
    end
    return false
end

local function removeAllBut(kept)
    local names = {}
    for name in lfs.dir(Settings.folder) do
        names[#names + 1] = name -- first all of them: a folder that loses files while it is read may skip some
    end
    for _i, name in ipairs(names) do
        if name ~= "." and name ~= ".." and not kept[name] then
            Start.remove(Settings.folder .. "/" .. name)
        end
    end
end

--- Forgets server, key, choices, and what was noted about files; says so when readings stay behind.
function Removal.run()
    Reading.leave()
    Settings.reset() -- from here on nothing is sent: what ends below must not begin anew
    Worker.cancelAll()
    Sync.unschedule()
    Chronicle.unschedule()
    local queue = Reading.queue
    queue:seal()
    if holdsReadings(queue) then
        removeAllBut(of_readings)
        UIManager:show(InfoMessage:new{
            text = T(_("%1 readings have not reached your server. They stay in %2 and are sent when TomeSync is set up again."),
                queue:count(), queue.dir),
        })
    else
        Start.remove(Settings.folder)
    end
end

return Removal
