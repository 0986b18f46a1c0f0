--- "This book": what the server takes the open book for, and what one can do about it.
local InfoMessage = require("ui/widget/infomessage")
local UIManager = require("ui/uimanager")
local Browse = require("tomesync/browse")
local Menu = require("tomesync/menu")
local Reading = require("tomesync/reading")
local Shelf = require("tomesync/shelf")
local Sync = require("tomesync/sync")
local T = require("ffi/util").template
local _ = require("gettext")

local ThisBook = {}

local reasons = {
    uuid = _("its identifier"), md5 = _("the file itself"), name = _("the file's name"), title = _("title and author"), choice = _("your choice"),
}

local function uuid()
    return Reading.match and Reading.match.book_uuid
end

local function matchText()
    local match = Reading.match
    if not match then
        return _("Not asked yet: it is after the next sync.")
    elseif match.book_uuid then
        local reason = reasons[match.matched_by] or match.matched_by or _("the server")
        return match.title and T(_("%1, recognised by %2."), match.title, reason) or T(_("Recognised by %1."), reason)
    elseif match.code == "ambiguous" then
        return _("Several books could be meant: choose one.")
    end
    return _("The library does not know this file. What you read in it is kept and joins the book once it is known.")
end

--- The server's answer for the open book, noted for the lists.
function ThisBook.recognised()
    if uuid() and Reading.ui and Reading.ui.document then
        Shelf.add(uuid(), Reading.file)
    end
end

-- Choosing says it for good: the book's own sidecar keeps it.
local function choose(book)
    if not Reading.ui or not Reading.ui.document then
        return
    end
    Reading.ui.doc_settings:saveSetting("tomesync_book_uuid", book and book.uuid or nil)
    Reading.book.book_uuid = book and book.uuid or nil
    Reading.match = book and { book_uuid = book.uuid, title = book.title, matched_by = "choice" } or nil
    Reading.wanted = true
    Sync.schedule(1)
    ThisBook.recognised()
    UIManager:show(InfoMessage:new{ text = book and T(_("This file is now: %1"), book.title) or _("The server decides again which book this is.") })
end

local function pick()
    local title = Reading.book and Reading.book.title or ""
    Menu.ask(_("Which book is it? Search the library"), title, _("title, author, series"), function(text)
        Browse.pick(text, choose)
    end)
end

local function items()
    local list = {
        { text_func = matchText, keep_menu_open = true, callback = function()
            UIManager:show(InfoMessage:new{ text = matchText() })
        end, separator = true },
        { text_func = function() return uuid() and _("Not this book…") or _("Choose the book…") end, callback = pick,
          help_text = _("Say yourself which book of the library this file is.") },
        { text = _("Let the server decide"), enabled_func = function() return Reading.book ~= nil and Reading.book.book_uuid ~= nil end,
          callback = function() choose(nil) end, help_text = _("Takes your own choice back.") },
        { text = _("Statistics"), enabled_func = function() return uuid() ~= nil end, keep_menu_open = true,
          callback = function() Browse.statistics(uuid()) end, help_text = _("What all your devices together have read of this book.") },
        { text = _("Next in this series"), enabled_func = function() return uuid() ~= nil end, callback = function() Browse.nextInSeries(uuid()) end,
          help_text = _("The next unread one, to be loaded or read.") },
        { text = _("Download the rest of the series"), enabled_func = function() return uuid() ~= nil end,
          callback = function() Browse.restOfSeries(uuid()) end, help_text = _("Everything unread of it that is not here.") },
    }
    return list
end

--- The turn past the last page.
function ThisBook.ended()
    if uuid() then
        Browse.offerNext(uuid())
    end
end

--- For the gesture of that name.
function ThisBook.restOfSeries()
    if uuid() then
        Browse.restOfSeries(uuid())
    end
end

table.insert(Menu.groups, 1, function(ui)
    return ui.document and { { text = _("This book"), sub_item_table_func = items } } or {}
end)

return ThisBook
