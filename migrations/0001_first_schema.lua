-- 0001: the first schema. There is nothing to move: a namespace without a version is empty.
--
-- KEYS[1]  what every key of the namespace begins with
-- ARGV[1]  the cursor that the step before returned; "0" for the first step
-- returns  the cursor of the next step; "0" when everything is moved
return '0'
