--- A key without typing one: the device shows a short code, a person enters it on the server's page, the device gets its key.
local ButtonDialog = require("ui/widget/buttondialog")
local InfoMessage = require("ui/widget/infomessage")
local NetworkMgr = require("ui/network/manager")
local UIManager = require("ui/uimanager")
local Answers = require("tomesync/answers")
local Http = require("tomesync/http")
local Menu = require("tomesync/menu")
local Messages = require("tomesync/messages")
local Settings = require("tomesync/settings")
local Sync = require("tomesync/sync")
local Worker = require("tomesync/worker")
local T = require("ffi/util").template
local _ = require("gettext")
local logger = require("logger")
local rapidjson = require("rapidjson")

local Pairing = {}

Pairing.fastest_s, Pairing.most_s = 2, 900

local function inform(text)
    UIManager:show(InfoMessage:new{ text = text })
end

-- The child: one request, of whose answer only known fields of the right type come back.
local function call(job)
    local status, body = Http.request{
        method = job.method or "POST", url = job.url .. "/api/v1" .. job.path, ca_file = job.ca_file, token = job.token,
        body = job.body, block_s = 8, total_s = 15,
    }
    if not status then
        return { ok = false, code = "unreachable", detail = body }
    end
    local object, failure = Answers.judge(rapidjson.decode, status, body)
    if not object then
        failure.ok = false
        return failure
    end
    local answer = { ok = true }
    for _i, field in ipairs{ "code", "poll_token", "state", "token", "user", "service", "version" } do
        answer[field] = type(object[field]) == "string" and object[field] or nil
    end
    answer.interval_s = type(object.interval_s) == "number" and object.interval_s or nil
    answer.expires_in_s = type(object.expires_in_s) == "number" and object.expires_in_s or nil
    answer.library = type(object.library) == "table" and type(object.library.state) == "string" and object.library.state or nil
    return answer
end

local function ask(job, done)
    job.name, job.urgent, job.deadline_s, job.run, job.done = "pairing", true, 20, call, done
    job.answer_file = Settings.folder .. "/answer-pairing"
    job.url = Settings.server()
    job.ca_file = Settings.get("ca_file") ~= "" and Settings.get("ca_file") or nil
    Worker.submit(job)
end

local poll

local function stop()
    local current = Pairing.current
    Pairing.current = nil
    UIManager:unschedule(poll)
    if current and current.dialog then
        UIManager:close(current.dialog)
    end
end

local function polled(answer)
    local current = Pairing.current
    if not current then
        return
    elseif answer.ok and answer.state == "paired" and answer.token then
        stop()
        Settings.set("token", answer.token)
        Sync.backoff:clear()
        Sync.schedule(1)
        inform(answer.user and T(_("Paired. This device reads for %1."), answer.user) or _("Paired."))
    elseif (answer.ok and answer.state ~= "waiting") or answer.status == 404 or answer.status == 410 or os.time() > current.ends_at then
        stop()
        inform(_("The code has expired. Ask for a new one."))
    else
        UIManager:scheduleIn(current.interval_s, poll) -- also after a failure: the line may come back
    end
end

poll = function()
    local ok, err = pcall(function()
        if Pairing.current then
            ask({ path = "/pair/poll", body = rapidjson.encode{ poll_token = Pairing.current.poll_token } }, polled)
        end
    end)
    if not ok then
        logger.warn("tomesync:", err)
    end
end

local function begun(answer)
    if not answer.ok or not answer.code or not answer.poll_token then
        if answer.code ~= "cancelled" then
            inform(answer.status == 404 and _("This server can't pair by code: download the plugin from its page instead.")
                or Messages.failure(answer.ok and { code = "not_tomed" } or answer, Settings.server()))
        end
        return
    end
    local lasts = math.min(answer.expires_in_s or 300, Pairing.most_s)
    local text = T(_("Sign in at %1, open Devices, and enter this code:\n\n%2\n\nIt holds for %3 minutes."),
        Settings.server(), answer.code, math.ceil(lasts / 60))
    Pairing.current = {
        poll_token = answer.poll_token, ends_at = os.time() + lasts, interval_s = math.max(answer.interval_s or 3, Pairing.fastest_s),
        dialog = ButtonDialog:new{ title = text, dismissable = false, buttons = { { { text = _("Cancel"), callback = stop } } } },
    }
    UIManager:show(Pairing.current.dialog)
    UIManager:scheduleIn(Pairing.current.interval_s, poll)
end

--- Shows a code and waits for a person to enter it on the server's page.
function Pairing.start()
    if not Settings.server() then
        inform(_("Enter the server's address first."))
        return
    end
    stop()
    NetworkMgr:runWhenConnected(function()
        ask({ path = "/pair", body = rapidjson.encode{ device = Sync.device() } }, begun)
    end)
end

--- Says in a sentence whether server and key work, and what to do if not.
function Pairing.test()
    if not Settings.server() then
        inform(_("Enter the server's address first."))
        return
    end
    local server = Settings.server()
    NetworkMgr:runWhenConnected(function()
        ask({ method = "GET", path = "/health" }, function(health)
            if not health.ok or health.service ~= "tomed" then
                return health.code ~= "cancelled" and inform(Messages.failure(health.ok and { code = "not_tomed" } or health, server))
            end
            ask({ method = "GET", path = "/books?per_page=1", token = Settings.get("token") or "none" }, function(answer)
                if answer.ok then
                    local library = health.library == "ready" and "" or "\n" .. _("Its library is not ready yet, though.")
                    inform(T(_("%1 answers (tomed %2) and knows this device."), server, health.version or "?") .. library)
                elseif answer.code ~= "cancelled" then
                    inform(Messages.failure(answer, server))
                end
            end)
        end)
    end)
end

table.insert(Menu.settings_groups, 1, function()
    return {
        { text = _("Test the connection"), keep_menu_open = true, callback = Pairing.test,
          help_text = _("Asks the server whether it is there and knows this device.") },
        { text = _("Pair with a code"), keep_menu_open = true, callback = Pairing.start,
          help_text = _("Gets this device's key from the server without typing one.") },
    }
end)

return Pairing
