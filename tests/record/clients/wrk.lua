-- wrk.lua [MS] - predict calls; with MS, so many milliseconds between two on a connection
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
local row = {}
for i = 1, 64 do row[i] = (i * 5) % 17 end
wrk.body = '{"instances": [[' .. table.concat(row, ", ") .. ']]}'

local pause = 0
function init(args) pause = tonumber(args[1] or 0) end
function delay() return pause end
