-- A range marker over the region, with a name that tells how far its request is. It goes when the request ends.
local marker = {}

local function label (job)
	return string.format ("ACE %d:", job.number)
end

-- Looked up by name each time: the producer may have removed it, and a pointer that was kept would crash Ardour.
local function find (job)
	for location in Session:locations ():list ():iter () do
		if location:name ():sub (1, #label (job)) == label (job) then return location end
	end
end

function marker.show (job, text)
	local location = find (job)
		or Session:locations ():add_range (Temporal.timepos_t (job.start), Temporal.timepos_t (job.stop))
	local name = string.format ("%s %s, %s", label (job), text, job.task) -- a short range shows the beginning only
	if location:name () ~= name then location:set_name (name) end
end

function marker.remove (job)
	local location = find (job)
	if location then Session:locations ():remove (location) end
end

return marker
