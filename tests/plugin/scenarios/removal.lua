-- Read offline, then the plugin is taken off by KOReader's own plugin manager while the book is open; then read on.
local C = require("common")
return { pre = C.pre, run = function(H)
    H.world.connected, H.world.can_connect = false, false
    H.open(C.book(H)); H.run(3); H.turn(3, 30); H.close_book(); H.run(3)
    H.open(C.book(H)); H.run(3); H.turn(2, 30)
    local loader, plugin = require("pluginloader"), H.ui().tomesync
    H.step("delete settings", function()
        if loader.deletePluginSettings then
            H.log{ type = "info", by = "manager", ok = loader:deletePluginSettings(plugin) }
        else
            plugin:deletePluginSettings()
        end
    end)
    H.run(1)
    H.log{ type = "info", said = H.class_of(H.top()) == "InfoMessage" and H.top().text }
    H.turn(2, 30); H.close_book(); H.run(3); H.net(true); H.run(30); H.settle(10)
end }
