--- What the plugin says without being asked: toasts only. A window at open time would swallow other people's events.
local Notification = require("ui/widget/notification")
local UIManager = require("ui/uimanager")
local logger = require("logger")

local Toasts = {}

-- Laying out words takes longer than the rest of a task: they come up a moment later, after input was looked at.
local function showSoon(toast, options)
    UIManager:scheduleIn(0.02, function()
        local ok, err = pcall(function()
            UIManager:show(toast:new(options))
        end)
        if not ok then
            logger.warn("tomesync:", err)
        end
    end)
end

function Toasts.show(text)
    showSoon(Notification, { text = text, timeout = 4 })
end

local UndoToast = Notification:extend{ timeout = 8 }

-- KOReader hands every gesture to a toast and then to what lies below; a tap on the words is for us alone.
function UndoToast:onGesture(ev)
    local frame = self.frame and self.frame.dimen
    if ev and ev.ges == "tap" and ev.pos and frame and ev.pos:intersectWith(frame) then
        ev.ges = "tomesync_undo"
        UIManager:nextTick(function()
            pcall(self.undo)
        end)
    end
    return Notification.onGesture(self, ev)
end

--- A toast that takes back what it tells of when it is tapped.
function Toasts.undoable(text, undo)
    showSoon(UndoToast, { text = text, undo = undo })
end

return Toasts
