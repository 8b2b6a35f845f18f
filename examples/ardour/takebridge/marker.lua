-- A range marker over the region, whose name shows the progress of its request. It is removed when the request ends.
local marker = {}

local function label (job)
	return string.format ("(Takebridge %d)", job.number)
end

-- Looked up by name each time: the producer may have removed it, and a pointer that was kept would crash Ardour.
local function find (job)
	for location in Session:locations ():list ():iter () do
		if location:name ():sub (-#label (job)) == label (job) then return location end
	end
end

function marker.show (job, text)
	local location = find (job)
		or Session:locations ():add_range (Temporal.timepos_t (job.start), Temporal.timepos_t (job.stop))
	local name = string.format ("%s, %s %s", text, job.task, label (job)) -- a short range shows the beginning only
	if location:name () ~= name then location:set_name (name) end
end

function marker.remove (job)
	local location = find (job)
	if location then Session:locations ():remove (location) end
end

return marker
