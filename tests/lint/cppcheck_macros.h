/* What jansson's loops look like to cppcheck, which does not read the system's headers. */
#define json_array_foreach(array, index, value)                                                                                            \
    for ((index) = 0; (index) < json_array_size(array) && ((value) = json_array_get((array), (index))) != NULL; (index)++)
#define json_object_foreach(object, key, value)                                                                                            \
    for ((key) = "", (value) = json_object_get((object), (key)); (value) != NULL; (value) = json_object_get((object), (key)))
