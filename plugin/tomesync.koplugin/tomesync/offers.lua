--- A place that another reader reached came back from the server: go there, ask, or leave it, as the person set it.
local ConfirmBox = require("ui/widget/confirmbox")
local Event = require("ui/event")
local UIManager = require("ui/uimanager")
local Positions = require("tomesync/positions")
local Reading = require("tomesync/reading")
local Settings = require("tomesync/settings")
local Status = require("tomesync/status")
local Toasts = require("tomesync/toasts")
local T = require("ffi/util").template
local _ = require("gettext")

local Offers = {}

local declined_key = "tomesync_declined"

local function percent(fraction)
    return ("%d %%"):format(math.floor(fraction * 100 + 0.5))
end

local function who(position)
    return position.device or _("another device")
end

--- Takes the last move by us back. True when there was one.
function Offers.undo()
    local last = Offers.last_move
    if not last or not Reading.ui or Reading.file ~= last.file then
        return false
    end
    Offers.last_move = nil
    Reading.ui:handleEvent(Event:new("GoBackLink"))
    return true
end

function Offers.canUndo()
    return Offers.last_move ~= nil and Reading.ui ~= nil and Reading.file == Offers.last_move.file
end

local function go(position)
    if not Reading.moveTo(position) then
        return
    end
    Offers.last_move = { file = Reading.file }
    Toasts.undoable(T(_("Now at %1, where %2 was. Tap here to go back."), percent(position.fraction), who(position)), Offers.undo)
end

local function ask(position, where, token)
    local text = where == "ahead" and _("%1 is further on, at %2. Go there?") or _("%1 is further back, at %2. Go there?")
    UIManager:show(ConfirmBox:new{
        text = T(text, who(position), percent(position.fraction)),
        ok_text = _("Go there"), cancel_text = _("Stay here"),
        ok_callback = function()
            if Reading.mayMove(token) then
                go(position)
            end
        end,
        cancel_callback = function()
            if Reading.ui and Reading.ui.doc_settings and position.at then
                Reading.ui.doc_settings:saveSetting(declined_key, position.at)
            end
        end,
    })
end

--- entry: { book_uuid, title, matched_by, code, status, rating, position } as the server answered for the open book.
function Offers.consider(entry, token)
    if not Reading.ui or not Reading.ui.document or Reading.file ~= token.file then
        return
    end
    Reading.match = { book_uuid = entry.book_uuid, title = entry.title, matched_by = entry.matched_by, code = entry.code }
    local position = entry.position
    if Settings.get("sync_status") and entry.book_uuid then
        Status.fromServer(Reading.ui.doc_settings, entry.status or position and position.status, entry.rating)
    end
    if not position or not Reading.mayMove(token) then
        return
    end
    local declined = Reading.ui.doc_settings:readSetting(declined_key)
    local policies = { ahead = Settings.get("ahead"), behind = Settings.get("behind") }
    local what, where = Positions.decide(Reading.place, position, policies, declined)
    if what == "go" then
        go(position)
    elseif what == "ask" then
        ask(position, where, token)
    end
end

return Offers
