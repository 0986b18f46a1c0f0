-- What is known of a clock that somebody set: only what was seen while awake, in one boot.
return function(test, same)
    local Clock = require("tomesync/clock")
    local name = os.tmpname()
    local eras = 0
    -- A device: real seconds, an error of its wall clock, and whether its time since boot counts sleep.
    local function device(boot_id)
        local d = { now = 1000, error = 0, lost = 0 }
        d.sources = {
            wall = function() return 1700000000 + d.now + d.error end, since_boot = function() return d.now - d.lost end,
            boot_id = boot_id, era = function() eras = eras + 1; return "era-" .. eras end,
        }
        return d
    end
    local function line(stamp) return '{"id":"a-1","clock":"' .. stamp .. '","type":"status","at":"x"}' end
    local plain = '{"id":"a-1","type":"status","at":"x"}'
    local function shifted(by) return '{"id":"a-1","clock_set_s":' .. by .. ',"type":"status","at":"x"}' end

    test("clock: nobody set it, nothing is told", function()
        os.remove(name)
        local d = device("boot")
        local clock = Clock.new(d.sources, name)
        local stamp = clock:stamp()
        for _ = 1, 100 do d.now = d.now + 977; d.error = (d.error + 1) % 3; clock:sleeps(); d.now = d.now + 30000; clock:wakes() end
        same(Clock.told(line(stamp), clock:stamp()), plain)
    end)
    test("clock: set while awake, several times, is told exactly", function()
        os.remove(name)
        local d = device("boot")
        local clock = Clock.new(d.sources, name)
        d.error = -7200
        local first = clock:stamp()
        d.now, d.error = d.now + 50, -9000
        local second = clock:stamp()
        d.now, d.error = d.now + 50, 0
        same(Clock.told(line(first), clock:stamp()), shifted(7200)); same(Clock.told(line(second), clock:stamp()), shifted(9000))
        d.error = -86400 * 365 * 50
        same(Clock.told(line(first), clock:stamp()), shifted(7200 - 86400 * 365 * 50))
    end)
    test("clock: what changed over a sleep is not known, before or after", function()
        os.remove(name)
        local d = device("boot")
        local clock = Clock.new(d.sources, name)
        local before = clock:stamp()
        clock:sleeps(); d.now, d.lost = d.now + 3600, d.lost + 3600; clock:wakes() -- a kernel that does not count sleep
        local after = clock:stamp()
        same(Clock.told(line(before), after), plain)
        d.error = 500
        same(Clock.told(line(before), clock:stamp()), plain); same(Clock.told(line(after), clock:stamp()), shifted(500))
    end)
    test("clock: a restart goes on, another boot and an unseen change do not", function()
        os.remove(name)
        local d = device("boot")
        local stamp = Clock.new(d.sources, name):stamp()
        d.now = d.now + 5000
        local again = Clock.new(d.sources, name)
        d.error = 600
        same(Clock.told(line(stamp), again:stamp()), shifted(600))
        d.error = 1200 -- while KOReader did not run
        same(Clock.told(line(stamp), Clock.new(d.sources, name):stamp()), plain)
        os.remove(name)
        stamp = Clock.new(d.sources, name):stamp()
        d.sources.boot_id = "another"
        same(Clock.told(line(stamp), Clock.new(d.sources, name):stamp()), plain)
        d.sources.boot_id = nil
        same(Clock.told(line(stamp), Clock.new(d.sources, name):stamp()), plain)
    end)
    test("clock: without a clock that counts sleep nothing is stamped", function()
        os.remove(name)
        local d = device("boot")
        d.sources.since_boot = nil
        local clock = Clock.new(d.sources, name)
        clock:sleeps(); clock:wakes()
        same(clock:stamp(), nil); same(Clock.told(plain, nil), plain); same(Clock.told(line("torn"), nil), plain)
    end)
    test("clock: a title that looks like a stamp is a title", function()
        local odd = [[{"id":"a-1","book":{"title":"\"clock\":\"era-1 5\","}}]]
        same(Clock.told(odd, "era-1 500"), odd)
    end)
    os.remove(name)
end
