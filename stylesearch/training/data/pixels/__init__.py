"""The parts that a restyling of pixels is put together from."""
