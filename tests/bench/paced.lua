-- Ten connections, a request each 10 ms: 1,000 a second at most, as a crowd of probers.
function delay() return 10 end
