"""Pictures that do not fit into memory whole, computed strip by strip."""
