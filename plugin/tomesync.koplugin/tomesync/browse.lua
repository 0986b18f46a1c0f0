--- The library in KOReader's own lists. Each list opens at once and fills when its child comes back.
local ButtonDialog = require("ui/widget/buttondialog")
local InfoMessage = require("ui/widget/infomessage")
local MenuWidget = require("ui/widget/menu")
local NetworkMgr = require("ui/network/manager")
local UIManager = require("ui/uimanager")
local Collections = require("tomesync/collections")
local Covers = require("tomesync/covers")
local Downloads = require("tomesync/downloads")
local Http = require("tomesync/http")
local Library = require("tomesync/library")
local Menu = require("tomesync/menu")
local Messages = require("tomesync/messages")
local Settings = require("tomesync/settings")
local Shelf = require("tomesync/shelf")
local Worker = require("tomesync/worker")
local T = require("ffi/util").template
local _ = require("gettext")
local rapidjson = require("rapidjson")

local Browse = { per_page = 100 }

local function inform(text)
    UIManager:show(InfoMessage:new{ text = text })
end

--- Asks the server in a child. how: name of a function of tomesync/library; done(answer) comes later.
function Browse.ask(how, job, done)
    job.name, job.urgent, job.deadline_s, job.answer_file = "browse", true, 45, Settings.folder .. "/answer-browse"
    job.url, job.token = Settings.server(), Settings.get("token")
    job.ca_file = Settings.get("ca_file") ~= "" and Settings.get("ca_file") or nil
    job.run = function(self)
        return Library[how](self, Http, rapidjson)
    end
    job.done = done
    Worker.cancel("browse") -- whoever asks anew no longer waits for the last answer
    Worker.submit(job)
end

-- With a network, or after KOReader has asked the person for one.
local function connected(callback)
    if not Settings.isReady() then
        inform(_("TomeSync is not set up yet: download the plugin from the server, it is ready to use then."))
        return
    end
    NetworkMgr:runWhenConnected(callback)
end

local List = MenuWidget:extend{ is_borderless = true, is_popout = false, covers_fullscreen = true, title_bar_fm_style = true }

-- KOReader's own closes the list after a choice; ours stays until the person leaves it.
function List:onMenuSelect(item)
    if item.callback then
        item.callback()
    end
    return true
end

function List:onMenuHold(item)
    if item.hold_callback then
        item.hold_callback()
    end
    return true
end

local function openList(title)
    local list
    list = List:new{ title = title, item_table = { { text = _("Loading…") } } }
    list.close_callback = function()
        list.is_closed = true
        UIManager:close(list)
        Worker.cancel("browse")
    end
    UIManager:show(list)
    return list
end

local function failed(list, answer)
    if answer.code == "cancelled" or list.is_closed then
        return
    end
    local text = answer.status == 404 and _("This server has no such list.") or Messages.failure(answer, Settings.server() or "?")
    list:switchItemTable(list.title, { { text = text } })
end

local function percent(fraction)
    return ("%d %%"):format(math.floor(fraction * 100 + 0.5))
end

local function stateOf(book)
    local state = book.status == "complete" and _("read") or book.status == "abandoned" and _("on hold")
        or book.status == "reading" and book.fraction and percent(book.fraction) or ""
    return Shelf.find(book.uuid) and (state ~= "" and state .. " · " or "") .. _("here") or state
end

local function nameOf(book, with_series)
    local index = book.index and ("%g"):format(book.index)
    if with_series and book.series then
        return T(_("%1 (%2 %3)"), book.title, book.series, index or "")
    elseif not with_series and index then
        return index .. " · " .. book.title
    end
    return book.title
end

local function openBook(path)
    require("apps/reader/readerui"):showReader(path)
end

local function report(count)
    if count == 0 then
        inform(_("All of them are on this device already, or have no file."))
    end
end

local showBook

local function itemOf(book, with_series)
    local author = with_series and book.authors[1]
    return {
        text = nameOf(book, with_series) .. (author and " - " .. author or ""), mandatory = stateOf(book),
        callback = function() showBook(book) end, hold_callback = book.has_cover and function() Covers.show(book) end or nil,
    }
end

--- Books of one series, with the ways to load several at once.
function Browse.series(id, name)
    local list = openList(name)
    Browse.ask("series", { series_id = id }, function(answer)
        if list.is_closed then
            return
        elseif not answer.ok then
            return failed(list, answer)
        end
        local unread, items = {}, {}
        for _i, book in ipairs(answer.rows) do
            if book.status ~= "complete" then
                unread[#unread + 1] = book
            end
        end
        items[1] = { text = T(_("Download the whole series (%1)"), #answer.rows), bold = true,
            callback = function() report(Downloads.start(answer.rows)) end }
        if unread[1] and #unread < #answer.rows then
            items[2] = { text = T(_("Download the rest, unread only (%1)"), #unread), bold = true,
                callback = function() report(Downloads.start(unread)) end }
        end
        for _i, book in ipairs(answer.rows) do
            items[#items + 1] = itemOf(book, false)
        end
        list:switchItemTable(answer.name or name, items)
    end)
end

-- A list that grows page by page: the last entry loads the next page.
local function grow(list, spec, page, items)
    local job = { kind = spec.kind, query = spec.query, page = page, per_page = Browse.per_page, keep = spec.keep, most = Browse.per_page }
    Browse.ask(spec.keep and "sieve" or "page", job, function(answer)
        if list.is_closed then
            return
        elseif not answer.ok then
            return failed(list, answer)
        end
        local first_new = #items + 1
        for _i, row in ipairs(answer.rows) do
            items[#items + 1] = spec.item(row)
        end
        local next_page = answer.next_page or not spec.keep and page * Browse.per_page < answer.total and page + 1
        local shown = {}
        for i, item in ipairs(items) do
            shown[i] = item
        end
        if next_page then
            local left = answer.total and answer.total - page * Browse.per_page
            shown[#shown + 1] = { text = left and T(_("More… (%1)"), left) or _("More…"), bold = true, callback = function()
                grow(list, spec, next_page, items)
            end }
        end
        if not shown[1] then
            shown[1] = { text = spec.empty or _("Nothing here.") }
        end
        list:switchItemTable(list.title, shown, page > 1 and first_new or nil)
    end)
end

local function bookItem(book)
    return itemOf(book, true)
end

local function open(title, spec)
    connected(function()
        grow(openList(title), spec, 1, {})
    end)
end

function Browse.allSeries()
    open(_("Series"), { kind = "series", item = function(row)
        return { text = row.name, mandatory = ("%d/%d"):format(row.read, row.books), callback = function() Browse.series(row.id, row.name) end,
            hold_callback = row.next and row.next.has_cover and function() Covers.show(row.next) end or nil }
    end })
end

function Browse.recent()
    open(_("Recently added"), { kind = "books", query = { sort = "added" }, item = bookItem })
end

function Browse.reading()
    open(_("Being read"), { kind = "books", query = { status = "reading", sort = "read" }, item = bookItem })
end

function Browse.byAuthor(name)
    open(name, { kind = "books", query = { author = name, sort = "series" }, item = bookItem })
end

-- A list of names, each of which opens the books it stands for.
local function names(title, kind, parameter)
    open(title, { kind = kind, item = function(row)
        return { text = row.name, mandatory = tostring(row.books), callback = function()
            open(row.name, { kind = "books", query = { [parameter] = row.name, sort = "series" }, item = bookItem })
        end }
    end })
end

function Browse.authors()
    names(_("Authors"), "authors", "author")
end

function Browse.tags()
    names(_("Tags"), "tags", "tag")
end

function Browse.search()
    Menu.ask(_("Search the library"), "", _("title, author, series"), function(text)
        if text ~= "" then
            open(text, { kind = "books", query = { q = text }, item = bookItem })
        end
    end)
end

--- A list of search results of which one is chosen: chosen(book).
function Browse.pick(text, chosen)
    connected(function()
        local list = openList(text)
        grow(list, { kind = "books", query = { q = text }, item = function(book)
            return { text = nameOf(book, true), mandatory = book.authors[1], callback = function()
                list.close_callback()
                chosen(book)
            end }
        end }, 1, {})
    end)
end

function Browse.notHere()
    local here = Shelf.all()
    open(_("Not on this device"), { kind = "books", query = { sort = "added" }, item = bookItem, empty = _("Everything is here."),
        keep = function(book) return not here[book.uuid] end })
end

function Browse.nextUnread()
    open(_("Next in my series"), { kind = "series", empty = _("No series is begun."),
        keep = function(row) return row.next ~= nil and row.read > 0 end,
        item = function(row) return bookItem(row.next) end })
end

-- Load, read, or go on from one book.
showBook = function(book)
    local dialog
    local function choice(text, callback)
        return { { text = text, callback = function()
            UIManager:close(dialog)
            callback()
        end } }
    end
    local buttons, here = {}, Shelf.find(book.uuid)
    if here then
        buttons[1] = choice(_("Read"), function() openBook(here) end)
    elseif book.formats[1] then
        buttons[1] = choice(_("Download"), function() Downloads.start({ book }) end)
        buttons[2] = choice(_("Download and read"), function()
            Downloads.start({ book }, function(done)
                local path = done > 0 and Shelf.find(book.uuid)
                if path then
                    openBook(path)
                end
            end)
        end)
    end
    if book.has_cover then
        buttons[#buttons + 1] = choice(_("Cover"), function() Covers.show(book) end)
    end
    if book.series_id then
        buttons[#buttons + 1] = choice(T(_("Series: %1"), book.series or ""), function() Browse.series(book.series_id, book.series or "") end)
    end
    if book.authors[1] then
        buttons[#buttons + 1] = choice(T(_("More by %1"), book.authors[1]), function() Browse.byAuthor(book.authors[1]) end)
    end
    buttons[#buttons + 1] = choice(_("Close"), function() end)
    local state = stateOf(book)
    dialog = ButtonDialog:new{ title = nameOf(book, true) .. (state ~= "" and "\n" .. state or ""), buttons = buttons }
    UIManager:show(dialog)
end
Browse.showBook = showBook

--- The open book's series: what is not read of it, downloaded.
function Browse.restOfSeries(uuid)
    connected(function()
        Browse.ask("one", { uuid = uuid }, function(answer)
            if not answer.ok then
                return answer.code ~= "cancelled" and inform(Messages.failure(answer, Settings.server() or "?"))
            elseif not answer.book.series_id then
                return inform(_("This book is in no series."))
            end
            Browse.ask("series", { series_id = answer.book.series_id }, function(found)
                if not found.ok then
                    return found.code ~= "cancelled" and inform(Messages.failure(found, Settings.server() or "?"))
                end
                local rest = {}
                for _i, book in ipairs(found.rows) do
                    if book.status ~= "complete" and book.uuid ~= uuid then
                        rest[#rest + 1] = book
                    end
                end
                report(Downloads.start(rest))
            end)
        end)
    end)
end

local function duration(seconds)
    local minutes = math.floor(seconds / 60 + 0.5)
    return minutes < 60 and T(_("%1 min"), minutes) or T(_("%1 h %2 min"), math.floor(minutes / 60), minutes % 60)
end

local function statisticsText(counted)
    if not counted.active_s or counted.active_s == 0 then
        return _("The server has counted no reading of this book yet.")
    end
    local lines = {
        T(_("Read for %1 in %2 sittings on %3 days."), duration(counted.active_s), counted.sessions or "?", counted.days or "?"),
    }
    if counted.pages then
        lines[#lines + 1] = T(_("%1 pages turned."), counted.pages)
    end
    if counted.fraction then
        lines[#lines + 1] = T(_("At %1."), percent(counted.fraction))
    end
    if counted.left_s then
        lines[#lines + 1] = T(_("About %1 left."), duration(counted.left_s))
    end
    if counted.first_at and counted.last_at then
        lines[#lines + 1] = T(_("From %1 to %2, on all devices."), counted.first_at:sub(1, 10), counted.last_at:sub(1, 10))
    end
    return table.concat(lines, "\n")
end

--- What all devices together have read of this book.
function Browse.statistics(uuid)
    connected(function()
        Browse.ask("statistics", { uuid = uuid }, function(answer)
            if answer.ok then
                inform(statisticsText(answer))
            elseif answer.code ~= "cancelled" then
                inform(answer.status == 404 and _("This server counts no reading.") or Messages.failure(answer, Settings.server() or "?"))
            end
        end)
    end)
end

-- The next unread book of this one's series: found(book), or otherwise(answer) with what was answered instead.
local function findNext(uuid, found, otherwise)
    Browse.ask("one", { uuid = uuid }, function(answer)
        if not answer.ok or not answer.book.series_id then
            return otherwise(answer)
        end
        Browse.ask("series", { series_id = answer.book.series_id }, function(series)
            local book = series.ok and Library.nextUnread(series.rows, uuid)
            if book then
                found(book)
            else
                otherwise(series)
            end
        end)
    end)
end

--- The one after this book in its series: shown, to be loaded or read.
function Browse.nextInSeries(uuid)
    connected(function()
        findNext(uuid, showBook, function(answer)
            if answer.ok then
                inform(answer.book and _("This book is in no series.") or _("That was the last unread one."))
            elseif answer.code ~= "cancelled" then
                inform(Messages.failure(answer, Settings.server() or "?"))
            end
        end)
    end)
end

--- The same at the end of a book, unasked: without a network, or without a next one, nothing is said.
function Browse.offerNext(uuid)
    if Settings.get("offer_next") and Settings.isReady() and NetworkMgr:isConnected() and not Downloads.isBusy() then
        findNext(uuid, showBook, function() end)
    end
end

local function formatSettings()
    return { text = _("Formats, best first"), keep_menu_open = true,
        help_text = _("Of several files of a book the first of these is loaded."),
        callback = function()
            Menu.ask(_("Formats, best first"), Settings.get("formats"), "EPUB CBZ PDF", function(text) Settings.set("formats", text) end)
        end }
end

local function templateSetting(title, name, help)
    return { text = title, keep_menu_open = true, help_text = help, callback = function()
        Menu.ask(title, Settings.get(name), Settings.initial[name], function(text)
            local fault = require("tomesync/templates").fault(text)
            if fault then
                inform(T(_("There is no {%1}. Use kind, series, title, author, index, index:00 or format."), fault))
            else
                Settings.set(name, text)
            end
        end)
    end }
end

Menu.settings_groups[#Menu.settings_groups + 1] = function()
    return { { text = _("Downloads"), sub_item_table = {
        { text_func = function() return T(_("Folder: %1"), Downloads.folder()) end, keep_menu_open = true,
          help_text = _("Empty: KOReader's home folder."),
          callback = function()
              Menu.ask(_("Download folder"), Settings.get("download_folder"), Downloads.folder(), function(text)
                  Settings.set("download_folder", text)
              end)
          end },
        templateSetting(_("Folders below it"), "folder_template", _("For example {kind}/{series}; a folder without a name is left out.")),
        templateSetting(_("File names"), "name_template", _("For example {index:00} - {title}.")),
        formatSettings(),
        { text = _("A collection for each series"), enabled_func = Collections.areKnown,
          checked_func = function() return Settings.get("collection") end,
          callback = function() Settings.set("collection", not Settings.get("collection")) end,
          help_text = _("Downloads are put into a KOReader collection of their series' name.") },
        { text = _("Offer the next book at the end of one"), checked_func = function() return Settings.get("offer_next") end,
          callback = function() Settings.set("offer_next", not Settings.get("offer_next")) end,
          help_text = _("When the last page of a book was turned and there is a network, the next unread one of its series is shown.") },
    } } }
end

--- The menu entry that all of this hangs from.
function Browse.entry()
    return { text = _("Browse the library"), sub_item_table = {
        { text = _("Series"), callback = Browse.allSeries, help_text = _("All series, with how many of each are read.") },
        { text = _("Next in my series"), callback = Browse.nextUnread, help_text = _("The next unread book of each series that was begun.") },
        { text = _("Being read"), callback = Browse.reading, help_text = _("Books begun on any device.") },
        { text = _("Recently added"), callback = Browse.recent, help_text = _("The newest books first.") },
        { text = _("Not on this device"), callback = Browse.notHere, help_text = _("Books of the library that were not downloaded here.") },
        { text = _("Authors"), callback = Browse.authors, help_text = _("All authors and how many books each has.") },
        { text = _("Tags"), callback = Browse.tags, help_text = _("All tags and how many books each has.") },
        { text = _("Search…"), callback = Browse.search, help_text = _("Books by words of title, author or series.") },
        { text = _("Running download"), enabled_func = Downloads.isBusy, callback = Downloads.show, help_text = _("Progress, and Cancel.") },
    } }
end

Menu.groups[#Menu.groups + 1] = function()
    return { Browse.entry() }
end

return Browse
