"""The mathematics of perpetual futures: margin, liquidation and funding. Pure functions of decimals."""
