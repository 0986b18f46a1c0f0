--- What went wrong, in a sentence that says what to do.
local T = require("ffi/util").template
local _ = require("gettext")

local Messages = {}

--- answer: what a job ended with ({ ok = false, code, status, detail }); server: the address that was tried.
function Messages.failure(answer, server)
    local code = answer.code
    if code == "unreachable" then
        local detail = answer.detail or ""
        if detail:find("refused") then
            return T(_("Nothing answers at %1. Is the server running, and is the port right?"), server)
        elseif detail:find("host") or detail:find("resolve") or detail:find("name") then
            return T(_("The name in %1 is not known in this network. Check the address, or use the server's number (192.168.…)."), server)
        elseif detail:find("certificate") then
            return T(_("The certificate of %1 is not trusted. Set the CA file in the settings."), server)
        end
        return T(_("The server at %1 did not answer in time."), server)
    elseif code == "key" then
        return _("The server does not know this device's key. Pair it again.")
    elseif code == "plugin_too_old" then
        return _("This plugin is too old for the server: update it.")
    elseif code == "not_tomed" then
        return T(_("What answers at %1 is not tomed. A hotspot's sign-in page perhaps?"), server)
    elseif code == "redirected" then
        return T(_("%1 sends on to another address. Enter that one (https instead of http?)."), server)
    elseif code == "deadline" then
        return T(_("The server at %1 took too long."), server)
    elseif code == "status" then
        return T(_("The server has a problem (%1). It will be tried again later."), tostring(answer.status))
    elseif code == "cannot_fork" then
        return _("This device can't work in the background; use Sync now when it suits you.")
    end
    return _("Syncing did not work. It will be tried again later; nothing is lost.")
end

return Messages
