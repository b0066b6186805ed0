"""Writers: `publishing` is the one way in which a file reaches its place, `write_check` asks beforehand whether it can.

`result_file` gathers rows and writes them in any format. `local_folder` opens folders of this machine past no
stranger's link, and `spreadsheet` keeps a cell from being run as a formula.
"""
