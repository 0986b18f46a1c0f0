--- Where a reader is in the open document, and how to take them elsewhere: the only part that speaks to KOReader's
--- two kinds of documents (rolling: EPUB and the like; paging: comics and PDF).
local Event = require("ui/event")
local Positions = require("tomesync/positions")
local Text = require("tomesync/text")

local Place = {}

local function try(f, ...)
    local ok, value = pcall(f, ...)
    if ok then
        return value
    end
end

-- How many pages one turn moves: two when two are shown side by side and each is counted. Only rolling documents can.
local function pagesShown(ui)
    local document = ui.document
    local shown = ui.rolling and document.getVisiblePageNumberCount and try(document.getVisiblePageNumberCount, document)
    return tonumber(shown) or 1
end

--- { page, total, fraction, locator, shown }, cheap enough for every page turn. nil when there is no document.
function Place.now(ui)
    local document = ui.document
    if not document or not (ui.rolling or ui.paging) then
        return nil
    end
    local page, total = ui:getCurrentPage(), document:getPageCount()
    if type(page) ~= "number" or type(total) ~= "number" or total < 1 then
        return nil
    end
    local place = { page = page, total = total, fraction = page / total, shown = pagesShown(ui) }
    if ui.rolling then
        local fraction, xpointer = ui.rolling:getLastPercent(), document:getXPointer()
        if type(fraction) == "number" and fraction == fraction then
            place.fraction = fraction
        end
        if type(xpointer) == "string" and xpointer ~= "" then
            place.locator = { kind = "xpointer", value = xpointer }
        end
    else
        place.locator = { kind = "page", value = tostring(page) }
    end
    place.fraction = math.max(0, math.min(1, place.fraction))
    return place
end

--- About 40 characters that follow the place, so that the server can find it in another edition. May take some
--- milliseconds: not for page turns.
function Place.textAfter(ui, place)
    local document = ui.document
    if not ui.rolling or not place.locator or place.page >= place.total then
        return nil
    end
    local following = try(document.getPageXPointer, document, place.page + 1)
    local text = following and try(document.getTextFromXPointers, document, place.locator.value, following)
    text = Text.orNil(text)
    return text and Text.orNil(Text.first(Text.squeezed(Text.valid(text)), 40))
end

local function isKnown(document, xpointer)
    return try(document.isXPointerInDocument, document, xpointer) and true or false
end

-- The XPointer itself when the document has it, else its nearest parent that it has.
local function nearestKnown(document, xpointer)
    if isKnown(document, xpointer) then
        return xpointer
    end
    for _, parent in ipairs(Positions.parents(xpointer)) do
        if isKnown(document, parent) then
            return parent
        end
    end
end

--- Takes the reader to a position of the server, leaving a way back. Returns true when they were moved.
function Place.go(ui, position)
    local document, locator = ui.document, position.locator
    if ui.link then
        ui.link:addCurrentLocationToStack()
    end
    if ui.rolling then
        local xpointer = locator and locator.kind == "xpointer" and nearestKnown(document, locator.value)
        if xpointer then
            ui.rolling:onGotoXPointer(xpointer, xpointer)
        else
            ui:handleEvent(Event:new("GotoPercent", position.fraction * 100))
        end
        return true
    end
    local total = document:getPageCount()
    local page = locator and locator.kind == "page" and tonumber(locator.value)
    if not page or page ~= math.floor(page) or page < 1 or page > total then
        page = math.max(1, math.min(total, math.floor(position.fraction * total + 0.5)))
    end
    ui:handleEvent(Event:new("GotoPage", page))
    return true
end

return Place
